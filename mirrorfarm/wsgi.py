"""The WSGI application that the web server loads."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from mirrorfarm.start import refuse_to_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mirrorfarm.settings")

application = get_wsgi_application()

refuse_to_start()
