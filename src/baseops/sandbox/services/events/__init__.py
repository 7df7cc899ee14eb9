"""EventBridge in the sandbox: events reach rules by the documented patterns, and targets if they let them in."""
