"""How much a host is asked for: at a time, per second, and when not at all."""
