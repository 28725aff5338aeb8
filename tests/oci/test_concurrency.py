from __future__ import annotations

import asyncio

import pytest

from mirrors.oci.concurrency import Once, Together, run_all, uninterrupted


class Work:
    """Counts how often it begins, ends and is cancelled."""

    def __init__(self, *, fails: bool = False) -> None:
        self.begun = self.ended = self.cancelled = 0
        self.fails = fails
        self.go_on = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fails:
            raise LookupError
        self.ended += 1
        return self.ended


async def test_work_is_done_once_for_all_who_ask() -> None:
    once: Once[int] = Once()
    work = Work()
    asking = [asyncio.create_task(once("key", work)) for _ in range(5)]
    await asyncio.sleep(0)
    work.go_on.set()
    assert await asyncio.gather(*asking) == [1] * 5
    assert await once("key", work) == 1
    assert work.begun == 1


async def test_all_who_ask_get_the_failure() -> None:
    once: Once[int] = Once()
    work = Work(fails=True)
    work.go_on.set()
    results = await asyncio.gather(*(once("key", work) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [LookupError] * 3
    assert work.begun == 1


async def test_work_survives_one_of_two_who_wait_for_it_and_not_both() -> None:
    once: Once[int] = Once()
    work = Work()
    first, second = (asyncio.create_task(once("key", work)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.01)
    assert work.cancelled == 0
    second.cancel()
    await asyncio.sleep(0.01)
    assert work.cancelled == 1
    work.go_on.set()
    assert await once("key", work) == 1
    assert work.begun == 2


async def test_close_ends_what_still_runs() -> None:
    once: Once[int] = Once()
    work = Work()
    asking = asyncio.create_task(once("key", work))
    await asyncio.sleep(0.01)
    await once.close()
    assert work.cancelled == 1
    with pytest.raises(asyncio.CancelledError):
        await asking


@pytest.mark.parametrize("fails", [True, False])
async def test_what_is_done_together_is_shared_and_then_done_anew(fails: bool) -> None:
    together: Together[int] = Together()
    work = Work(fails=fails)
    asking = [asyncio.create_task(together("key", work)) for _ in range(3)]
    await asyncio.sleep(0.01)
    work.go_on.set()
    await asyncio.wait(asking)
    assert work.begun == 1
    assert {type(task.exception()) for task in asking} == {LookupError if fails else type(None)}
    await asyncio.gather(together("key", work), return_exceptions=True)
    assert work.begun == 2


async def test_the_first_failure_of_many_ends_the_others_and_is_raised_itself() -> None:
    slow, failing = Work(), Work(fails=True)
    failing.go_on.set()
    with pytest.raises(LookupError):
        await run_all([slow(), failing()])
    assert slow.cancelled == 1


async def test_uninterrupted_work_ends_before_the_cancel_is_raised() -> None:
    work = Work()
    task = asyncio.create_task(uninterrupted(work()))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    work.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (work.ended, work.cancelled) == (1, 0)


async def test_work_that_hangs_is_broken_off_all_the_same_after_a_while() -> None:
    hanging = asyncio.Event()
    task = asyncio.create_task(uninterrupted(hanging.wait(), patience=0.01))
    await asyncio.sleep(0)
    task.cancel()
    _, pending = await asyncio.wait([task], timeout=1)
    assert not pending
    assert task.cancelled()


async def test_several_are_done_at_once_and_each_once_for_all_who_ask() -> None:
    once: Once[int] = Once()
    works = {name: Work() for name in "abc"}
    asking = asyncio.gather(
        once.all({name: works[name] for name in "ab"}),
        once.all({name: works[name] for name in "bc"}),
        once("a", works["a"]),
    )
    await asyncio.sleep(0)
    for work in works.values():
        work.go_on.set()
    await asking
    await once.all(dict(works))
    assert [work.begun for work in works.values()] == [1, 1, 1]


async def test_the_first_failure_of_several_is_raised_and_ends_those_nobody_else_waits_for() -> None:
    once: Once[int] = Once()
    own, shared, bad = Work(), Work(), Work(fails=True)
    bad.go_on.set()
    other = asyncio.create_task(once("shared", shared))
    await asyncio.sleep(0)
    with pytest.raises(LookupError):
        await once.all({"own": own, "shared": shared, "bad": bad})
    await asyncio.sleep(0)
    assert (own.cancelled, shared.cancelled) == (1, 0)
    shared.go_on.set()
    assert await other == 1


async def test_a_cancel_while_several_are_awaited_ends_them() -> None:
    once: Once[int] = Once()
    work = Work()
    asking = asyncio.create_task(once.all({"key": work}))
    await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.sleep(0.01)
    assert work.cancelled == 1
