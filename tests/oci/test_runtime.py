"""Work in the loop that lives on: how it ends, and what is left of it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from mirrors.oci import background_loop, run_in_background

ENDLESS = 3600.0


class Interrupted(Exception):
    """What a signal's handler raises here."""


async def _tasks() -> set[str]:
    current = asyncio.current_task()
    return {str(task) for task in asyncio.all_tasks() if task is not current}


async def _the_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def _told_when_cancelled(ended: list[str], begun: Callable[[], object] = lambda: None) -> None:
    try:
        begun()
        await asyncio.sleep(ENDLESS)
    finally:
        await asyncio.sleep(0.05)  # such as an upload that is taken back
        ended.append("tidied up")


def test_all_work_has_the_same_loop_in_another_thread() -> None:
    async def thread() -> int:
        return threading.get_ident()

    assert run_in_background(_the_loop()) is run_in_background(_the_loop()) is background_loop()
    assert run_in_background(thread()) != threading.get_ident()


def test_two_threads_have_their_work_done_at_the_same_time() -> None:
    met: list[asyncio.Event] = []

    async def meet() -> str:
        met.append(asyncio.Event())
        if len(met) == 2:
            met[0].set()
            met[1].set()
        await met[-1].wait()
        return "met"

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda _: run_in_background(meet()), range(2))) == ["met", "met"]


@pytest.mark.parametrize("error", [ValueError("wrong"), SystemExit(3), KeyboardInterrupt()])
def test_an_error_of_the_work_comes_out_and_the_loop_goes_on(error: BaseException) -> None:
    async def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run_in_background(fail())
    assert caught.value is error
    assert run_in_background(_tasks()) == set()


def test_work_that_is_cancelled_in_its_loop_ends_as_asyncio_has_it() -> None:
    async def cancel_itself() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon_threadsafe(task.cancel)
        await asyncio.sleep(ENDLESS)

    with pytest.raises(asyncio.CancelledError):
        run_in_background(cancel_itself())
    assert run_in_background(_tasks()) == set()


@pytest.mark.parametrize("error", [Interrupted, KeyboardInterrupt, SystemExit])
def test_an_interruption_of_who_waits_ends_the_work_first(error: type[BaseException]) -> None:
    def interrupt(*_: object) -> None:
        raise error

    ended: list[str] = []
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(error):
            run_in_background(_told_when_cancelled(ended, lambda: os.kill(os.getpid(), signal.SIGUSR1)))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ended == ["tidied up"]
    assert run_in_background(_tasks()) == set()


async def test_a_loop_does_not_wait_for_the_other_one() -> None:
    with pytest.raises(RuntimeError):
        run_in_background(_the_loop())


def test_a_forked_process_has_a_loop_of_its_own() -> None:
    ours = run_in_background(_the_loop())
    child = os.fork()
    if not child:
        own = background_loop() is None and run_in_background(_the_loop()) is not ours
        os._exit(0 if own else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert run_in_background(_the_loop()) is ours


def test_no_task_is_left_behind_by_work_that_failed_with_others_under_way() -> None:
    async def fail_at_once() -> None:
        async def fail() -> Awaitable[None]:
            raise Interrupted

        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(ENDLESS))
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        run_in_background(fail_at_once())
    assert run_in_background(_tasks()) == set()
