"""The WSGI application that the web server loads."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mirrorfarm.settings")

application = get_wsgi_application()

from mirrors.checks import refuse_to_start  # noqa: E402 - after Django's set-up

refuse_to_start()
