"""Protocols: what they are played on, and what each of them owes."""
