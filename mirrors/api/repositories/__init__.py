"""Repositories: what they are, who may use them, their tags."""
