"""Data Lifecycle Manager: policies, and what they do at their times."""
