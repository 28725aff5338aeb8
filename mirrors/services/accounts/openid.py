"""Signing in with OpenID Connect: whom the provider has found to be who, and which account that is here.

An account belongs to a `sub` of the provider and to nothing else: e-mail addresses and names can be chosen.
The calls go to the addresses of the settings, which only the farm's administrator sets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from mirrors.models import Namespace, User
from mirrors.services.logs import log_entries

Claims = dict[str, Any]

LONGEST_NAME = 64
MOST_NAMES = 1000
LONGEST_SUBJECT = 255


class OpenIDBackend(OIDCAuthenticationBackend):  # type: ignore[misc]  # the library has no types
    """The authorization code flow, with what the library leaves out: issuer, audience, and whose claims they are."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """The person whom the callback's code stands for; only for the callback, which alone has a nonce."""
        if not credentials.get("nonce"):
            return None
        user: User | None = super().authenticate(request, **credentials)
        return user

    def verify_token(self, token: str, **options: Any) -> Claims:
        """The ID token's claims; raises SuspiciousOperation where it is not the provider's, or for another client."""
        claims: Claims = super().verify_token(token, **options)
        audience = claims.get("aud")
        if claims.get("iss") != settings.OIDC_ISSUER:
            raise SuspiciousOperation("The ID token is of another issuer than OIDC_ISSUER.")
        if self.OIDC_RP_CLIENT_ID not in (audience if isinstance(audience, list) else [audience]):
            raise SuspiciousOperation("The ID token was made for another client.")
        return claims

    def get_userinfo(self, access_token: str, id_token: str, payload: Claims) -> Claims:
        """The claims of the person, who must be the one of the ID token (OpenID Connect Core §5.3.2)."""
        claims: Claims = super().get_userinfo(access_token, id_token, payload)
        if not payload.get("sub") or claims.get("sub") != payload["sub"]:
            raise SuspiciousOperation("The claims are of another person than the ID token.")
        return claims

    def verify_claims(self, claims: Claims) -> bool:
        """Whether there is an identifier that can be kept."""
        subject = claims.get("sub")
        return isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable()

    def filter_users_by_claims(self, claims: Claims) -> Any:
        """The account of this `sub`, if there is one."""
        return User.objects.filter(openid_subject=claims["sub"])

    def create_user(self, claims: Claims) -> User:
        """A new account without a password, under the first free name."""
        for name in names_for(claims):
            user = User(username=name, email=_email(claims), openid_subject=claims["sub"])
            user.set_unusable_password()
            try:
                with transaction.atomic():
                    user.save()
                    log_entries.record("user_create", performer=user, username=name, email=user.email)
            except (IntegrityError, ValidationError):
                # Somebody took the name meanwhile, or the same person signs in twice at once.
                known: User | None = self.filter_users_by_claims(claims).first()
                if known is not None:
                    return known
                continue
            return user
        raise SuspiciousOperation("No user name is free for this person.")


def names_for(claims: Claims) -> Iterator[str]:
    """Free user names, the best first: the person's name there, or the e-mail address's, in the namespace grammar."""
    wanted = [claims.get("preferred_username"), claims.get("nickname"), _email(claims), claims.get("name")]
    base = next((name for text in wanted if (name := namespace_name(text))), "") or "user"
    for number in range(1, MOST_NAMES):
        name = base if number == 1 else f"{base}-{number}"
        if not Namespace.objects.filter(name=name).exists():
            yield name


def namespace_name(text: Any) -> str:
    """The text as the namespace grammar has it: lower case, no accents, single - for the rest; "" if too little stays.

    Of an e-mail address the part before the @ counts.
    """
    if not isinstance(text, str):
        return ""
    plain = unicodedata.normalize("NFKD", text.partition("@")[0]).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9._-]+", "-", plain)
    name = re.sub(r"[._-]{2,}", "-", words)[:LONGEST_NAME].strip("._-")
    return name if len(name) >= 2 else ""


def _email(claims: Claims) -> str:
    email = claims.get("email")
    return email if isinstance(email, str) and len(email) <= 254 and email.isprintable() else ""
