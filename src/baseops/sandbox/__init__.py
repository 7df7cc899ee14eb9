"""A local AWS account: moto's state, our own CloudFormation, virtual time; behaves by `baseops.semantics`."""
