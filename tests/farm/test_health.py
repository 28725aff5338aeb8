"""Health of a running farm: its workers are counted, and those that stop are missed."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.fixtures.farms import Farm, in_profile
from tests.fixtures.waiting import wait_until


@pytest.mark.farm
@in_profile("embedded")
def test_workers_that_copy_are_counted_and_one_that_stops_is_not(farm: Farm) -> None:
    def active() -> Any:
        answer = requests.get(
            f"{farm.public_url}/api/v1/superuser/mirror/health",
            headers={"Authorization": f"Bearer {farm.access_token}"},
            timeout=10,
        )
        return answer.json()["workers"]["active"]

    wait_until(lambda: active() == len(farm.workers), 30, lambda: str(active()))
    farm.workers[0].stop()
    # At once where it says so itself; one that had to be killed is missed after a minute and a half.
    wait_until(lambda: active() == len(farm.workers) - 1, 120, lambda: str(active()))
