"""What watchlists, lists and film nights are, and their rules; knows nothing of gRPC or SQL."""
