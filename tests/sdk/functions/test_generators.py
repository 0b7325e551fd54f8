"""Observed generators: their spans, parents and outputs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import tracer.sdk as tracer
from tracer.sdk.testing import Recording


@tracer.observe
def add(a: int) -> int:
    return a


@tracer.observe
def count(to: int) -> Iterator[int]:
    for number in range(to):
        add(number)
        yield number


def test_a_generators_span_lasts_until_it_is_exhausted(spans: Recording) -> None:
    with tracer.span("consumer"):
        numbers = count(2)
        assert next(numbers) == 0
        add(100)
        assert spans.named("count") == []
        assert list(numbers) == [1]
    spans.assert_tree(
        """
        span consumer
          span count
            span add
            span add
          span add
        """
    )
    assert spans.one("count").output == [0, 1]


def test_a_generator_that_is_closed_or_abandoned_ends_its_span(spans: Recording) -> None:
    numbers = count(5)
    next(numbers)
    numbers.close()  # type: ignore[attr-defined]
    next(count(5))
    count(5)
    assert [span.error for span in spans.named("count")] == [None, None]


def test_generators_are_closed_whether_exhausted_or_never_begun(spans: Recording) -> None:
    @tracer.observe
    async def numbers() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def consume() -> None:
        async with contextlib.aclosing(numbers()) as stream:
            assert [number async for number in stream] == [1, 2]
        async with contextlib.aclosing(numbers()):
            pass

    asyncio.run(consume())
    with contextlib.closing(count(2)) as stream:
        assert list(stream) == [0, 1]
    with contextlib.closing(count(2)):
        pass
    assert [span.output for span in spans.spans if span.name != "add"] == [[1, 2], [0, 1]]


def test_what_is_sent_and_thrown_into_a_generator_arrives(spans: Recording) -> None:
    @tracer.observe
    def echo() -> Iterator[str]:
        received = "start"
        while received != "stop":
            try:
                received = yield received  # type: ignore[misc]
            except KeyError:
                received = "caught"
        return "end"  # type: ignore[return-value]

    def outer() -> Iterator[str]:
        result = yield from echo()
        yield f"returned {result}"

    run: Any = outer()
    assert [next(run), run.send("a"), run.throw(KeyError("k"))] == ["start", "a", "caught"]
    assert run.send("stop") == "returned end"
    assert spans.one("echo").output == {"yielded": "startacaught", "returned": "end"}


def test_the_returned_value_of_a_generator_is_its_output_or_part_of_it(spans: Recording) -> None:
    @tracer.observe
    def numbers(items: list[int]) -> Any:
        yield from items
        return {"count": len(items)}

    for items in ([], [1, 2]):
        list(numbers(items))
    hidden = tracer.observe(name="hidden", capture_output=False)(numbers)
    list(hidden([3]))
    first, second = spans.named("numbers")[:2]
    assert first.output == {"count": 0}
    assert second.output == {"yielded": [1, 2], "returned": {"count": 2}}
    assert spans.one("hidden").output is None


def test_a_generator_keeps_its_own_context_between_steps(spans: Recording) -> None:
    @tracer.observe
    def inner() -> Iterator[int]:
        with tracer.tool("left open"):
            yield 1
            add(5)
            yield 2

    with tracer.span("consumer"):
        for _ in inner():
            add(1)
    spans.assert_tree(
        """
        span consumer
          span inner
            tool left open
              span add
          span add
          span add
        """
    )


def test_a_generator_is_below_the_span_it_was_made_in_whichever_thread_runs_it(
    spans: Recording,
) -> None:
    with tracer.span("request"):
        stream = count(2)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(list, stream).result() == [0, 1]
    assert spans.one("count").parent_id == spans.one("request").span_id


def test_async_generators_nest(spans: Recording) -> None:
    @tracer.observe
    async def words(text: str) -> AsyncIterator[str]:
        for word in text.split():
            await asyncio.sleep(0)
            add(1)
            yield word

    @tracer.observe
    async def loud(text: str) -> AsyncIterator[str]:
        async for word in words(text):
            add(2)
            yield word.upper()

    async def consume() -> list[str]:
        with tracer.span("consumer"):
            return [word async for word in loud("a b")]

    assert asyncio.run(consume()) == ["A", "B"]
    spans.assert_tree(
        """
        span consumer
          span loud
            span words
              span add
              span add
            span add
            span add
        """
    )
    assert spans.one("loud").output == "AB"


def test_an_async_generator_that_is_closed_or_fails_ends_its_span(spans: Recording) -> None:
    @tracer.observe
    async def numbers(fail: bool) -> AsyncIterator[int]:
        yield 1
        if fail:
            raise LookupError("gone")
        yield 2

    async def consume() -> None:
        async with contextlib.aclosing(numbers(False)) as stream:
            async for _ in stream:
                break
        with pytest.raises(LookupError):
            [number async for number in numbers(True)]

    asyncio.run(consume())
    closed, failed = spans.named("numbers")
    assert (closed.error, failed.error) == (None, "LookupError: gone")
