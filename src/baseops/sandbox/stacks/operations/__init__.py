"""CloudFormation's operations by noun: each module has a mix-in class for the service's backend."""
