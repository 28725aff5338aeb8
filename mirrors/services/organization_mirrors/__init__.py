"""Mirrors of whole organizations."""
