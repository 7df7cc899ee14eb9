"""Systems Manager in the sandbox, where moto has no associations or automations, or believes any document."""
