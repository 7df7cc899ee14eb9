"""Mail as DNS and Amazon SES see it: addresses, records, SPF, DKIM, DMARC, and what SES looks for. Asks no resolver."""
