"""Runs drills and keeps what they found: runner, journal, sweep; store, records, signatures. Knows no area."""
