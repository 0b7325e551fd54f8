"""Work that a call has left: generators, coroutines and bodies that run later, or never."""

from __future__ import annotations

import asyncio
import gc
import re
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tracer.sdk as tracer
from tests.support.shapes import (
    Inside,
    coroutine_function,
    flask_response,
    generator_function,
    inside,
    returns,
)
from tracer.sdk.testing import Recording


def test_values_can_be_sent_and_thrown_into_what_a_function_returned(spans: Recording) -> None:
    def echo() -> Any:
        received = yield "start"
        while True:
            try:
                received = yield received
            except KeyError:
                received = "caught"

    run = tracer.observe(lambda: echo())()
    assert [next(run), run.send("a"), run.throw(KeyError("k"))] == ["start", "a", "caught"]
    run.close()
    assert spans.spans[0].output == "startacaught"

    async def echo_async() -> Any:
        received = yield "start"
        while True:
            try:
                received = yield received
            except KeyError:
                received = "caught"

    async def talk() -> None:
        run = tracer.observe(lambda: echo_async())()
        assert await anext(run) == "start"
        assert await run.asend("a") == "a"
        assert await run.athrow(KeyError("k")) == "caught"
        await run.aclose()

    asyncio.run(talk())
    assert spans.spans[1].output == "startacaught"


@pytest.mark.parametrize("shape", [generator_function, coroutine_function, flask_response])
def test_work_that_a_call_returned_and_that_never_runs_ends_its_span(
    spans: Recording, shape: Callable[[Inside], Any]
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        observed = tracer.observe(name="call")(returns(shape)(inside))
        result = observed()
        assert spans.named("call") == []
        del result
        gc.collect()
    call = spans.one("call")
    assert call.error is None
    assert call.output is None
    # Python's own warning, once, by the function's own name.
    messages = [str(warning.message) for warning in caught]
    never = ["coroutine 'coroutine_function.<locals>.run' was never awaited"]
    assert messages == (never if shape is coroutine_function else [])


def test_an_abandoned_generator_is_closed_inside_its_span_and_ends_it(spans: Recording) -> None:
    def stream() -> Iterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            inside()

    for make in (stream, lambda: stream()):
        run: Any = tracer.observe(name="call")(make)()
        assert next(run) == "a"
        del run
        gc.collect()
    calls = spans.named("call")
    assert [call.output for call in calls] == ["a", "a"]
    assert [s.parent_id for s in spans.named("inside")] == [call.span_id for call in calls]


def test_a_stream_without_references_is_freed_and_ends_its_span(spans: Recording) -> None:
    class Holder:
        stream: Any = None

        def make(self) -> Any:
            def run() -> Iterator[Any]:
                yield self
                yield self

            return run()

    observed = tracer.observe(name="call")(Holder.make)
    for steps in (0, 1):
        holder = Holder()
        holder.stream = observed(holder)
        for _ in range(steps):
            next(holder.stream)
        del holder
    gc.collect()
    assert len(spans.named("call")) == 2


def test_a_long_stream_does_not_fill_the_memory(spans: Recording) -> None:
    @tracer.observe
    def download() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 100_000

    tracemalloc.start()
    try:
        for _ in download():
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert re.fullmatch(r"x{400000,}…\[truncated, .*\]", spans.one("download").output)
    assert peak < 10_000_000


def test_a_long_stream_is_marked_where_it_is_cut(spans: Recording) -> None:
    @tracer.observe
    def count(item: Any) -> Iterator[Any]:
        for _ in range(200_000):
            yield item

    for item in (1, "a", b"a"):
        for _ in count(item):
            pass
    numbers, text, data = (span.output for span in spans.named("count"))
    assert numbers[:2] == [1, 1]
    assert numbers[-1] == "…[truncated, 192000 more items]"
    for output in (text, data):
        assert re.fullmatch(r"a{90000,}…\[truncated, \d+ more items\]", output)
