"""The admin's forms for registries and signature policies: what goes in, what is refused, and what never comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from mirrors.models import Namespace, Registry, User
from tests.fixtures.browsing import text_of
from tests.oci.certificates import ClientAuthority, locked_key
from tests.web.conftest import signed_in
from tests.web.test_admin import REGISTRY, TEAMS, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(superuser: User) -> Client:
    return signed_in(superuser)


@pytest.fixture(scope="module")
def client_certificate() -> str:
    """A certificate and its key, as one text."""
    return "".join(ClientAuthority().certificate())


def test_a_client_certificate_goes_in_stays_and_is_forgotten(browser: Client, client_certificate: str) -> None:
    values = REGISTRY | {"kind": "harbor", "bandwidth": "5000000", "lends_client_certificate": "on"}
    typed = client_certificate.replace("\n", "\r\n")  # as browsers send lines
    assert browser.post(url("registry", "add"), values | {"client_certificate": typed}).status_code == 302
    registry = Registry.objects.get()
    assert registry.client_certificate == client_certificate.strip()
    assert (registry.kind, registry.bandwidth, registry.lends_client_certificate) == ("harbor", 5_000_000, True)
    assert "PRIVATE KEY" not in (registry.client_certificate_ciphertext or "")

    browser.post(url("registry", "change", registry.pk), values | {"client_certificate": " \r\n"})
    registry.refresh_from_db()
    assert registry.client_certificate == client_certificate.strip()

    browser.post(url("registry", "change", registry.pk), values | {"client_certificate": "-\r\n"})
    registry.refresh_from_db()
    assert registry.client_certificate is None


def test_no_page_shows_a_secret_and_each_says_whether_there_is_one(browser: Client, client_certificate: str) -> None:
    registry = Registry.objects.create(name="harbor", address="harbor.example.com")
    registry.client_certificate, registry.password = client_certificate, "stored-secret-4Ht"
    registry.save()

    page = browser.get(url("registry", "change", registry.pk)).text

    assert "PRIVATE KEY" not in page
    assert "BEGIN CERTIFICATE" not in page
    assert "stored-secret-4Ht" not in page
    assert page.count("Stored, and not shown. Empty: keep it. A single dash: forget it.") == 2
    assert page.count("None is stored.") == 3


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("no key", "cannot be read. Give certificate and private key in one text in PEM format"),
        ("no certificate", "cannot be read."),
        ("another's key", "does not belong to the key that was given with it."),
        ("locked key", "the key without a password."),
        ("words", "cannot be read."),
    ],
)
def test_a_client_certificate_that_cannot_be_used_is_refused_and_not_repeated(
    browser: Client, fault: str, sentence: str, tmp_path: Path
) -> None:
    certificate, key = ClientAuthority().certificate()
    other = ClientAuthority().certificate()[1]
    typed = {
        "no key": certificate,
        "no certificate": key,
        "another's key": certificate + other,
        "locked key": certificate + locked_key(b"password"),
        "words": "the certificate of the harbour",
    }[fault]

    page = browser.post(url("registry", "add"), REGISTRY | {"client_certificate": typed}).text

    assert sentence in text_of(page)
    assert "BEGIN" not in page
    assert "harbour" not in page
    assert not Registry.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("bandwidth", "0"), ("bandwidth", "-1"), ("kind", "no-such-product")])
def test_a_registrys_numbers_and_kind_are_checked(browser: Client, field: str, value: str) -> None:
    page = browser.post(url("registry", "add"), REGISTRY | {field: value})
    assert page.status_code == 200
    assert f'id="id_{field}_error"' in page.text
    assert not Registry.objects.exists()


# --- Signature policies ---------------------------------------------------------------------------------------------

POLICY = {
    "default": [{"type": "reject"}],
    "transports": {"docker": {"quay.io/vendor": [{"type": "insecureAcceptAnything"}]}},
}


def change_policy(browser: Client, namespace: Namespace, text: str) -> str:
    values = TEAMS | {"email": "", "signature_policy": text}
    return browser.post(url("namespace", "change", namespace.pk), values, follow=True).text


def shown_policy(browser: Client, namespace: Namespace) -> str:
    form = browser.get(url("namespace", "change", namespace.pk)).context["adminform"].form
    return str(form["signature_policy"].value())


def test_a_policy_comes_back_as_it_was_saved(browser: Client, organization: Namespace) -> None:
    change_policy(browser, organization, json.dumps(POLICY))
    organization.refresh_from_db()
    assert organization.signature_policy == POLICY

    change_policy(browser, organization, shown_policy(browser, organization))
    organization.refresh_from_db()
    assert organization.signature_policy == POLICY


def test_a_lone_list_is_a_policy_for_the_whole_namespace(browser: Client, organization: Namespace) -> None:
    change_policy(browser, organization, '[{"type": "reject"}]')
    organization.refresh_from_db()
    assert organization.signature_policy == {"default": [{"type": "reject"}]}


def test_an_emptied_policy_is_none(browser: Client, organization: Namespace) -> None:
    change_policy(browser, organization, '[{"type": "reject"}]')
    assert "was changed successfully" in change_policy(browser, organization, "  ")
    organization.refresh_from_db()
    assert organization.signature_policy is None
    assert shown_policy(browser, organization) == ""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"default": [{"type": "reject"}', "line 1"),
        ('{"default": [{"type": "rejekt"}]}', "default[0]"),
        ('{"default": [{"type": "reject"}], "transports": {"docker": {"quay.io/a": []}}}', "quay.io/a"),
        ('[{"type": "sigstoreSigned", "keyData": "bm8ga2V5"}]', "keyData"),
        ("[]", "the list is empty"),
    ],
)
def test_a_mistake_in_a_policy_is_refused_at_its_place_and_what_was_typed_stays(
    browser: Client, organization: Namespace, text: str, place: str
) -> None:
    page = change_policy(browser, organization, text)

    errors = page.partition('<ul class="errorlist" id="id_signature_policy_error">')[2].partition("</ul>")[0]
    assert place in errors
    assert text_of(text) in text_of(page)
    organization.refresh_from_db()
    assert organization.signature_policy is None
