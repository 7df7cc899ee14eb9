"""Verbs of `baseops secrets`."""
