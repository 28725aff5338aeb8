"""Whom to tell of what, and what waits to be told."""
