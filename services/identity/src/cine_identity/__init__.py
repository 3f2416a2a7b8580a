"""Identity: accounts, sessions, roles and keys."""
