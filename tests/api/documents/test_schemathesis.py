"""Random requests, made from the OpenAPI document and against it: no fault of ours, no answer that it does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mirrors.api.documents.openapi import openapi
from mirrors.models import User
from tests.api.documents.seeded import Farm, make_farm

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SCHEMA = schemathesis.openapi.from_dict(openapi())
METHODS = {
    described["operationId"]: (path, method)
    for path, item in openapi()["paths"].items()
    for method, described in item.items()
    if "text/event-stream" not in str(described["responses"])
}
REQUESTS = 6
"""Of each method, by each account, of each kind."""


@pytest.fixture
def farm(make_user: Callable[..., User], store_dir: object, rung: list[int]) -> Farm:
    """The farm that is asked; what a request changes is undone after it."""
    return make_farm(make_user)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize("nickname", METHODS)
def test_every_answer_is_in_the_document(farm: Farm, nickname: str, mode: GenerationMode) -> None:
    path, method = METHODS[nickname]
    application = get_wsgi_application()
    cases = SCHEMA[path][method].as_strategy(generation_mode=mode)

    @settings(
        max_examples=REQUESTS * len(farm.tokens),
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases, st.sampled_from(sorted(farm.tokens)), st.data())
    def ask(case: Any, account: str, data: st.DataObject) -> None:
        for name in case.path_parameters or {}:
            if name in farm.values and data.draw(st.integers(0, 3)):
                case.path_parameters[name] = farm.values[name]
        with transaction.atomic():
            case.call_and_validate(
                app=application, headers={"Authorization": f"Bearer {farm.tokens[account]}"}, checks=CHECKS
            )
            transaction.set_rollback(True)

    ask()
