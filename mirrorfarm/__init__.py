"""The Django project: wiring, nothing else."""

import sys

from django.core.exceptions import ImproperlyConfigured

from mirrorfarm.start import GIVE_UP

try:
    from mirrorfarm.celery import app as celery_app
except ImproperlyConfigured as error:  # here, because gunicorn and celery come this way as well as manage.py
    print(f"Mirrorfarm cannot start: {error}", file=sys.stderr)
    sys.exit(GIVE_UP)

__all__ = ["celery_app"]
