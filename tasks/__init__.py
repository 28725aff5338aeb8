"""Celery tasks: an id in, a service called."""
