"""見本銀行, a demonstration of a service provider: it knows honnin only through its HTTP API."""
