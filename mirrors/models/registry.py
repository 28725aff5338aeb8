"""Registries that repositories are mirrored into."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from mirrors import registries
from mirrors.models.encryption import CiphertextField, plain_text_of
from mirrors.models.names import REGISTRY_ADDRESS, name_validator


def registry_kinds() -> list[tuple[str, str]]:
    """The registry products, as choices that need no migration when one is added."""
    return [("", "By its address"), *registries.KINDS]


class Registry(models.Model):
    """An endpoint that holds repositories: address, account, TLS, proxies, limits.

    Namespaces keep their repositories at one. For a source at the same address, its TLS and its limits hold too.
    client_certificate: PEM text, the certificate with its chain and its key.
    """

    name = models.CharField(max_length=100, unique=True)
    address = models.CharField(
        max_length=262, validators=[name_validator(REGISTRY_ADDRESS)], help_text="host or host:port, without a scheme"
    )
    repository_prefix = models.CharField(
        max_length=200, blank=True, help_text="Put before namespace/name at the registry, for example team/mirrors."
    )
    username_ciphertext = CiphertextField()
    password_ciphertext = CiphertextField()
    username = plain_text_of("username_ciphertext")
    password = plain_text_of("password_ciphertext")
    kind = models.CharField(
        max_length=20, choices=registry_kinds, blank=True, help_text="The product; empty: found out by its address."
    )
    verify_tls = models.BooleanField(
        default=True, help_text="Require HTTPS and verify the certificate. Off: plain HTTP is tried too."
    )
    ca_certificate = models.TextField(blank=True, help_text="PEM certificates to trust besides the system's.")
    client_certificate_ciphertext = CiphertextField()
    client_certificate = plain_text_of("client_certificate_ciphertext")
    lends_client_certificate = models.BooleanField(
        default=False, help_text="Show the client certificate too where any mirror reads from this address."
    )
    http_proxy_ciphertext = CiphertextField()
    https_proxy_ciphertext = CiphertextField()
    http_proxy = plain_text_of("http_proxy_ciphertext")
    https_proxy = plain_text_of("https_proxy_ciphertext")
    no_proxy = models.CharField(max_length=1000, blank=True)
    max_connections = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Empty: CONNECTIONS_PER_REGISTRY."
    )
    bandwidth = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Bytes per second in each direction, for each worker process. Empty: no limit.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "registries"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(address__regex=REGISTRY_ADDRESS), name="registry_address_is_well_formed"
            ),
            models.CheckConstraint(
                condition=Q(max_connections__isnull=True) | Q(max_connections__gte=1),
                name="registry_has_a_connection",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.address})"
