"""What a platform operator runs: tenants, verifications, people, evidence, events."""
