"""Repositories, the rights on them, and what they hold."""
