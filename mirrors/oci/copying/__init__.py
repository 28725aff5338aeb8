"""The copy: what has changed, what it needs, and how that gets to the target."""
