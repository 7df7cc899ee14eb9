"""What the noun `email` does, a verb to a module."""
