"""Names, addresses, dates, ages, individual number, matching."""
