"""Firehose in the sandbox: records wait for their buffer to fill or its time to end, then go to the bucket."""
