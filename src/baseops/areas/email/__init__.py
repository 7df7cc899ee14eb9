"""Email: identities, configuration sets, what becomes of bounces, who may send, and the DNS records all this needs."""
