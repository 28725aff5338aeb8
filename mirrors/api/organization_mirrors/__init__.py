"""Mirrors of whole organizations: their configuration, their state, and what they have discovered."""
