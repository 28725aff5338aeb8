"""OAuth's implicit grant: a person who is signed in lets an application act with some scopes.

Source: RFC 6749 §4.2, and Quay's /oauth/authorizeapp, whose clients read the token out of the Location header.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode

from mirrors.errors import InvalidInput
from mirrors.models import Application, User
from mirrors.services.accounts import access_tokens, applications

SCOPE_TITLES = {
    "repo:read": "See your repositories and pull from them",
    "repo:write": "Change your repositories and their descriptions",
    "repo:admin": "Administer your repositories: mirrors, rights, notifications, deletion",
    "repo:create": "Create repositories wherever you may",
    "user:read": "Read your user name and e-mail address",
    "user:admin": "Administer your account: robots, organizations, stars",
    "org:admin": "Administer your organizations: teams, robots, applications, mirrors",
    "super:user": "Administer this whole farm, as far as you may",
}
"""What each scope permits, in the words of the page that asks."""


@dataclass(frozen=True)
class Grant:
    """What an application asks for, checked: `redirect_uri` is where the answer goes."""

    application: Application
    redirect_uri: str
    scopes: list[str]
    state: str = ""

    def accept(self, user: User) -> str:
        """Make the token; gives the address that carries it, once, in its fragment."""
        _, text = applications.issue_token(self.application, to=user, scopes=self.scopes)
        lifetime = int(access_tokens.LIFETIME.total_seconds())
        return self._address(access_token=text, token_type="Bearer", expires_in=str(lifetime))  # noqa: S106

    def deny(self) -> str:
        """The address that tells the application that the person does not want it."""
        return self._address(error="access_denied")

    def _address(self, **values: str) -> str:
        return f"{self.redirect_uri}#{urlencode(values | ({'state': self.state} if self.state else {}))}"


def check_grant(
    *, client_id: str, redirect_uri: str, scope: str, local: Collection[str], response_type: str = "", state: str = ""
) -> Grant:
    """What the values ask for; raises NotFound or InvalidInput, and then nothing may be sent to `redirect_uri`.

    scope: separated by spaces or commas. local: the addresses of this server's own page for tokens, which every
    application may use; else it must be exactly the one that the application is registered with.
    """
    application = applications.find_client(client_id)
    if not redirect_uri or redirect_uri not in {*local, application.redirect_uri}:
        raise InvalidInput(
            "redirect_uri is neither the one that the application is registered with, nor /oauth/localapp here.",
            field="redirect_uri",
        )
    if response_type not in ("", "token"):
        raise InvalidInput(
            "response_type must be token: this server has the implicit grant alone.", field="response_type"
        )
    return Grant(application, redirect_uri, access_tokens.scopes_in(scope), state)
