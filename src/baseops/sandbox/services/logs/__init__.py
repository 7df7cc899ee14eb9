"""CloudWatch Logs in the sandbox, where moto keeps no class of a group, believes any pattern, or has no operation."""
