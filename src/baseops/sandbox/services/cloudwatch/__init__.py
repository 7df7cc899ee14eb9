"""CloudWatch's alarms in the sandbox: metric, composite and log alarms, their states, tags and mute rules."""
