"""Logs: groups, shipping, metrics from lines, alarms, remedies and queries."""
