"""What is known of a person and a film, each way of knowing a module of its own; `signal` is what they have in common."""
