"""Blobs from and to a registry."""
