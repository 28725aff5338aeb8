"""Requests and answers over HTTP, and everything that can go wrong with them."""
