"""OAuth applications of an organization: what people grant scopes to."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import QuerySet

from mirrors.errors import InvalidInput, NotFound
from mirrors.models import AccessToken, Application, Namespace, User
from mirrors.services.accounts import access_tokens
from mirrors.services.logs import log_entries
from mirrors.services.new_rows import refusing_duplicates, validate

LONGEST_ID = 18


def applications_of(organization: Namespace) -> QuerySet[Application]:
    """The organization's applications by name."""
    return organization.applications.all()


def find_application(organization: Namespace, client_id: str) -> Application:
    """The organization's application with this client id; raises NotFound."""
    application = organization.applications.select_related("namespace").filter(client_id=client_id).first()
    if application is None:
        raise NotFound(f"The organization {organization} has no application with that client id.")
    return application


def find_client(client_id: str) -> Application:
    """The application with this client id, of whichever organization; raises NotFound."""
    found = Application.objects.select_related("namespace").filter(client_id=client_id).first()
    if found is None:
        text = "There is no application with that client_id. The list of its organization's applications shows it."
        raise NotFound(text, field="client_id")
    return found


def create_application(organization: Namespace, values: dict[str, str]) -> Application:
    """Make an application with a client id and a secret. values: of the columns that `change_application` knows."""
    application = Application(namespace=organization)
    application.reset_client_secret()
    return _save(application, values, kind="create_application")


def change_application(application: Application, values: dict[str, str]) -> Application:
    """Change `name`, `description`, `application_uri`, `redirect_uri`, `avatar_email`, whichever are given."""
    return _save(application, values, kind="update_application")


@transaction.atomic
def delete_application(application: Application) -> None:
    """Remove it, and every token that was made in its name."""
    _record("delete_application", application)
    application.delete()


@transaction.atomic
def reset_client_secret(application: Application) -> Application:
    """Give it a new secret; the old one is worth nothing from now on."""
    application.reset_client_secret()
    application.save(update_fields=["client_secret_ciphertext"])
    _record("reset_application_client_secret", application)
    return application


def tokens_of(application: Application) -> QuerySet[AccessToken]:
    """The tokens that were made in its name, the newest first."""
    return application.access_tokens.select_related("user").order_by("-pk")


def find_token(application: Application, token_id: str) -> AccessToken:
    """One of them; raises NotFound."""
    is_id = token_id.isascii() and token_id.isdigit() and len(token_id) <= LONGEST_ID
    token = tokens_of(application).filter(pk=int(token_id)).first() if is_id else None
    if token is None:
        raise NotFound(f"The application {application.name} has no such token.")
    return token


def issue_token(
    application: Application, *, to: User, scopes: list[str], name: str = "", lifetime: int | None = None
) -> tuple[AccessToken, str]:
    """A token with which the application acts for the user, and its text. lifetime: seconds, ten years at most."""
    seconds = int(access_tokens.LIFETIME.total_seconds())
    return access_tokens.issue_token(
        to,
        name=name or application.name[: access_tokens.LONGEST_NAME],
        scopes=scopes,
        expires_at=access_tokens.end_in(min(lifetime or seconds, seconds)),
        application=application,
    )


def _save(application: Application, values: dict[str, str], *, kind: str) -> Application:
    for column, value in values.items():
        setattr(application, column, value.strip())
    if not application.name or not application.name.isprintable():
        raise InvalidInput("Give the application a name of printable characters.", field="name")
    _check_redirect_uri(application.redirect_uri)
    validate(application, exclude={"namespace"})
    taken = f"{application.namespace} has an application named {application.name} already."
    with refusing_duplicates(taken, field="name"):
        application.save(update_fields=list(values) if application.pk else None)  # not a secret that is reset meanwhile
        _record(kind, application, **{name: values[name] for name in values if name != "name"})
    return application


def _check_redirect_uri(uri: str) -> None:
    """Raise InvalidInput for what no browser should be sent to with a token."""
    if not uri:
        return
    try:
        parts = urlsplit(uri)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        is_web = False
    if not is_web or parts.fragment or any(character.isspace() for character in uri):
        raise InvalidInput(
            "redirect_uri must be an http or https address without user name and #fragment, or empty.",
            field="redirect_uri",
        )


def _record(kind: str, application: Application, **metadata: Any) -> None:
    log_entries.record(
        kind,
        namespace=application.namespace,
        application_name=application.name,
        client_id=application.client_id,
        **metadata,
    )
