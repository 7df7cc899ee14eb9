"""AWS CloudTrail in the sandbox: every call recorded, seen by LookupEvents some minutes later, delivered to trails."""
