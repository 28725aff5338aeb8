"""Mirrors of single repositories: their settings, state, history, previews and tests."""
