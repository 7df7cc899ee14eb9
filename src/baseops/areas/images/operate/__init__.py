"""What the noun `images` does, a verb to a module."""
