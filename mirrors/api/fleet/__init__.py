"""All mirrors at once (ours)."""
