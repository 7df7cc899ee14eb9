"""IAM in the sandbox: whether a caller may make a call, by the policies that the account holds.

`account.enforce()` turns it on. What a call needs is read from the parsed request (`demands`), who calls from IAM's
state as it was some seconds ago (`identities`), and `semantics.policies` decides; nothing here knows a drill.
"""
