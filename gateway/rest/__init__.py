"""The native API over HTTP, /v1alpha."""
