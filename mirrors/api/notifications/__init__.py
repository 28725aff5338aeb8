"""Whom a repository's events are told to, and what people themselves were told."""
