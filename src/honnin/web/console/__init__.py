"""The console of a test environment: what is running, and the evidence of one check."""
