"""What signing in with passwords is slowed down by."""

from __future__ import annotations

from django.db import models


class SignInFailures(models.Model):
    """How often signing in has failed of late: for an account, an address, or an account from an address.

    The subject is a hash, because people type passwords where the user name belongs.
    """

    subject = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(null=True, db_index=True)
    succeeded_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        verbose_name_plural = "sign-in failures"

    def __str__(self) -> str:
        return f"{self.count} of {self.subject[:12]}"
