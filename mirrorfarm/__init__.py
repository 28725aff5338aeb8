"""The Django project: wiring, nothing else."""

from mirrorfarm.celery import app as celery_app

__all__ = ["celery_app"]
