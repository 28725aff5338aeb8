"""Runs of mirrors: asking for them, claiming, copying, recording, pruning."""
