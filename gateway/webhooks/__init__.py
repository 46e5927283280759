"""Telling callers how their jobs ended: an outbox, signatures in every dialect, and delivery at least once."""
