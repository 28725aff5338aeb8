"""Random requests, made from the OpenAPI document and against it: no fault of ours, no answer that it does not have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mirrors.api.documents.openapi import openapi
from mirrors.models import User
from tests.api.documents.seeded import Farm, make_farm

CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
SCHEMA = schemathesis.openapi.from_dict(openapi())
METHODS = {
    described["operationId"]: (path, method)
    for path, item in openapi()["paths"].items()
    for method, described in item.items()
    if all(set(answer.get("content", {})) <= {"application/json"} for answer in described["responses"].values())
}
"""Those that answer in JSON."""
WITH_VALUES = [
    name
    for name, (path, method) in METHODS.items()
    if "requestBody" in (described := openapi()["paths"][path][method])
    or any(parameter["in"] == "query" for parameter in described.get("parameters", ()))
]
"""Methods that can be asked wrongly."""
REQUESTS = 3
"""Of each method, by each account, of each kind."""


@pytest.fixture
def farm(make_user: Callable[..., User], store_dir: object, rung: list[int]) -> Iterator[Farm]:
    """The farm that is asked; what a request changes is undone after it, in the one connection that all of them use."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield make_farm(make_user)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize(
    ("nickname", "mode"),
    [(name, GenerationMode.POSITIVE) for name in METHODS] + [(name, GenerationMode.NEGATIVE) for name in WITH_VALUES],
)
def test_every_answer_is_in_the_document(farm: Farm, nickname: str, mode: GenerationMode) -> None:
    path, method = METHODS[nickname]
    application = get_wsgi_application()
    # Other parts of addresses are in test_nasty_values: what is made here holds no slash, as names of repositories do.
    parts = {name: farm.values.get(name, "nothing") for name in re.findall(r"\{(\w+)\}", path)}
    cases = SCHEMA[path][method].as_strategy(generation_mode=mode, path_parameters=parts)

    @settings(
        max_examples=REQUESTS * len(farm.tokens),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases, st.sampled_from(sorted(farm.tokens)))
    def ask(case: Any, account: str) -> None:
        with transaction.atomic():
            case.call_and_validate(
                app=application, headers={"Authorization": f"Bearer {farm.tokens[account]}"}, checks=CHECKS
            )
            transaction.set_rollback(True)

    ask()
