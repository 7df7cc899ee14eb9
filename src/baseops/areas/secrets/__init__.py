"""Secrets and parameters: kept in Secrets Manager and Parameter Store, read by named roles, rotated, audited."""
