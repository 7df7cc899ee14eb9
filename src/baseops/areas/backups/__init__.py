"""Backups: EBS snapshots made by Data Lifecycle Manager, their copies, and what protects them."""
