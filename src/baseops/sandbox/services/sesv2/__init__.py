"""Amazon SES v2 in the sandbox, in place of moto's: identities verified by DNS in their time, sets, suppression."""
