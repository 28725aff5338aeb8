"""Mirrors of single repositories, their syncs and their tags."""
