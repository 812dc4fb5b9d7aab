"""One module a document: what its form asks for, how its chip is looked at, and which fields it shows."""
