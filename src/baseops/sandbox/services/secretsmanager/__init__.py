"""AWS Secrets Manager in the sandbox, in place of moto's: versions and their stages, rotation, deletion, replicas."""
