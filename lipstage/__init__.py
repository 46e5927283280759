"""What others build on: `client`, and in `v1` the messages and the gRPC API, generated from proto/ by `make proto`."""
