"""The read-only distribution API over the built-in store."""
