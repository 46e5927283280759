"""The public API and every message between the services, generated from proto/ by `make proto`."""
