"""SNS in the sandbox: moto's topics, whose messages reach only the queues that let them in, and no network."""
