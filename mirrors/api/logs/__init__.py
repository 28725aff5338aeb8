"""Usage logs: who changed what, and what the syncs did."""
