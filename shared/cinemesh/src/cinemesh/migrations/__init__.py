"""Migrations of the tables that every store has: outbox and feed. `cinemesh.db.migrate` runs them before a service's own."""
