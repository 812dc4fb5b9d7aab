"""The outside world of honnin on one machine: invented people, real cryptography.

Imports only `honnin.errors`, `honnin.identity` and third-party libraries, and is known to the product by entry points
alone (docs/decisions/0002).
"""
