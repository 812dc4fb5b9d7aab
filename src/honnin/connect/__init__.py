"""Clients of outside services behind small interfaces."""
