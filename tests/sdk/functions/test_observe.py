"""The decorator: inputs, outputs, names and parents of the spans that it makes."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracer.sdk as tracer
from tracer.sdk.testing import Recording, recording


@tracer.observe
def add(a: int, b: int = 2, *rest: int, **more: Any) -> int:  # noqa: ARG001 - the signature is given
    """Add."""
    return a + b + sum(rest)


def test_arguments_are_the_input_and_the_result_is_the_output(spans: Recording) -> None:
    assert add(1) == 3
    assert add(1, 2, 3, 4, five=5) == 10
    first, second = spans.named("add")
    assert (first.input, first.output) == ({"a": 1}, 3)
    assert second.input == {"a": 1, "b": 2, "rest": [3, 4], "five": 5}
    assert (add.__name__, add.__doc__) == ("add", "Add.")


def test_name_kind_and_capture_can_be_chosen(spans: Recording) -> None:
    @tracer.observe(name="search", kind="retriever", capture_input=False, capture_output=False)
    def find(secret: str) -> str:
        return secret

    assert find("s") == "s"
    span = spans.one("search", "retriever")
    assert span.input is None
    assert span.output is None


def test_methods_are_named_with_their_class_and_recorded_without_self(spans: Recording) -> None:
    class Agent:
        @tracer.observe
        def run(self, x: int) -> int:
            return x

        @classmethod
        @tracer.observe
        def make(cls, x: int) -> int:
            return x

        @tracer.observe
        @staticmethod
        def help(x: int) -> int:
            return x

        @tracer.observe
        @classmethod
        def other(cls, x: int) -> type:  # noqa: ARG003 - the signature is given
            return cls

    assert Agent().run(1) == Agent.make(1) == Agent.help(1) == 1
    assert Agent.other(1) is Agent
    names = ["Agent.run", "Agent.make", "Agent.help", "Agent.other"]
    assert [span.name for span in spans.spans] == names
    assert all(span.input == {"x": 1} for span in spans.spans)


def test_coroutines_stay_coroutines(spans: Recording) -> None:
    @tracer.observe
    async def ask(question: str) -> str:
        await asyncio.sleep(0)
        add(1)
        return question.upper()

    assert inspect.iscoroutinefunction(ask)
    assert asyncio.run(ask("why")) == "WHY"
    spans.assert_tree("span ask\n  span add")
    assert spans.one("ask").output == "WHY"


@tracer.observe
def count(to: int) -> Iterator[int]:
    for number in range(to):
        add(number)
        yield number


def test_an_output_that_was_set_is_not_replaced_by_the_returned_one(spans: Recording) -> None:
    @tracer.observe
    def plain() -> str:
        tracer.update(output="set")
        return "returned"

    @tracer.observe
    async def coroutine() -> str:
        tracer.update(output=None)
        return "returned"

    @tracer.observe
    def generator() -> Iterator[str]:
        yield "yielded"
        tracer.update(output="set")

    plain()
    asyncio.run(coroutine())
    list(generator())
    assert [span.output for span in spans.spans] == ["set", None, "set"]
    assert spans.one("coroutine").attributes["tracer.output"] == "null"


def test_a_thousand_tasks_each_have_their_own_parent(spans: Recording) -> None:
    @tracer.observe
    async def leaf(number: int) -> int:
        await asyncio.sleep(0)
        return number

    async def branch(number: int) -> None:
        with tracer.span(f"branch {number}"):
            await asyncio.sleep(0)
            assert await leaf(number) == number

    async def main() -> None:
        with tracer.span("root"):
            await asyncio.gather(*(branch(number) for number in range(1_000)))

    asyncio.run(main())
    by_id = {span.span_id: span for span in spans.spans}
    leaves = spans.named("leaf")
    assert len(leaves) == 1_000
    for span in leaves:
        assert span.parent_id is not None
        assert by_id[span.parent_id].name == f"branch {span.input['number']}"
        assert by_id[span.parent_id].parent_id == spans.one("root").span_id


def test_a_cancelled_task_ends_its_spans(spans: Recording) -> None:
    @tracer.observe
    async def forever() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert spans.one("forever").attributes["tracer.status_message"] == "CancelledError"


def test_threads_are_below_the_span_whose_context_they_run_in(spans: Recording) -> None:
    with tracer.span("root"), ThreadPoolExecutor(4) as pool:
        carrying = tracer.executor(pool)
        assert list(carrying.map(add, range(20))) == list(range(2, 22))
        thread = threading.Thread(target=tracer.in_context(add), args=(7,))
        thread.start()
        thread.join()
        pool.submit(add, 8).result()
    root = spans.one("root").span_id
    parents = [span.parent_id for span in spans.named("add")]
    assert (parents.count(root), parents.count(None)) == (21, 1)


def test_only_functions_can_be_observed() -> None:
    with pytest.raises(TypeError, match="expected a function"):
        tracer.observe(int)
    with pytest.raises(TypeError, match="expected a function"):
        tracer.observe(3)  # type: ignore[type-var]


def test_without_init_the_function_itself_is_called() -> None:
    assert add(1, 1) == 2
    assert list(count(2)) == [0, 1]


# A program is a tree of steps; each has a kind, which is how it is run.
Program = tuple[str, list[Any]]
KINDS = ("call", "generator", "async call", "async generator", "block", "thread", "task")
programs = st.recursive(
    st.sampled_from(KINDS).map(lambda kind: (kind, [])),
    lambda below: st.tuples(st.sampled_from(KINDS), st.lists(below, max_size=3)),
    max_leaves=12,
)


async def run(program: Program, path: str) -> None:
    kind, below = program

    async def steps() -> None:
        for number, part in enumerate(below):
            await run(part, f"{path}.{number}")

    def blocking() -> None:
        asyncio.run(steps())

    if kind == "call":
        await asyncio.to_thread(tracer.observe(name=path)(blocking))
    elif kind == "generator":

        def generate() -> Iterator[int]:
            yield 1
            blocking()
            yield 2

        await asyncio.to_thread(lambda: list(tracer.observe(name=path)(generate)()))
    elif kind == "async call":
        await tracer.observe(name=path)(steps)()
    elif kind == "async generator":

        async def generate_async() -> AsyncIterator[int]:
            yield 1
            await steps()
            yield 2

        async for _ in tracer.observe(name=path)(generate_async)():
            await asyncio.sleep(0)
    elif kind == "block":
        with tracer.span(path):
            await steps()
    elif kind == "thread":
        with tracer.span(path), ThreadPoolExecutor(1) as pool:
            tracer.executor(pool).submit(blocking).result()
    else:
        with tracer.span(path):
            await asyncio.create_task(steps())


def expected(program: Program, path: str, parent: str | None) -> Iterator[tuple[str, str | None]]:
    yield path, parent
    for number, part in enumerate(program[1]):
        yield from expected(part, f"{path}.{number}", path)


@settings(max_examples=40)
@given(programs)
def test_whatever_the_nesting_every_span_has_the_right_parent(program: Program) -> None:
    with recording() as spans:
        asyncio.run(run(program, "0"))
        names = {span.span_id: span.name for span in spans.spans}
        parents = {(s.name, names[s.parent_id] if s.parent_id else None) for s in spans.spans}
    assert parents == set(expected(program, "0", None))
