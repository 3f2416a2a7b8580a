"""gRPC in and out: one module a service of the contract."""
