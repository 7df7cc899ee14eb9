"""Lambda functions without Docker: Python handlers run in a child process that sees the sandbox and little else."""
