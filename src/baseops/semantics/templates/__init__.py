"""CloudFormation's template logic as AWS documents it: pure functions from text and values to values.

`parse` reads a body, `validation` holds it against the format, `parameters` takes the given values, `scope`
resolves conditions and intrinsic functions, `references` finds what depends on what, `differences` compares two
resolved resources, `dynamic` finds `{{resolve:…}}`. Nothing here calls AWS or knows a resource type's rules.
"""
