"""Protobuf to flows and back, one module a gRPC service of the contract."""
