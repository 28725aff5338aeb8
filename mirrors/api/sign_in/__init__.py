"""Signing in and out with a session, and making the first user."""
