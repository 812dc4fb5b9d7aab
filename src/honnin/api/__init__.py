"""The HTTP interface: resources, problem+json, idempotency, OpenAPI."""
