"""The Django application that holds the domain."""

from __future__ import annotations

from django.apps import AppConfig


class MirrorsConfig(AppConfig):
    """Registers system checks and signals once the models are there."""

    name = "mirrors"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        from mirrors import checks, postgresql  # noqa: F401
