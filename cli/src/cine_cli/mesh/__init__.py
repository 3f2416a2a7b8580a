"""Runs the whole mesh on one machine: plan of processes, their supervisor, and what others see of it."""
