"""What can be done: one class a use case, between servicers and domain or store."""
