"""Loads with kills and races, whose histories are checked; run by `make chaos`."""
