"""Use cases, named by noun: every door calls these, and nothing else changes what they change."""
