"""The decorator: every sort of function, with its results, errors and parents as they were."""

from __future__ import annotations

import asyncio
import contextlib
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
def add(a: int, b: int = 2, *rest: int, **more: Any) -> int:
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
    found = spans.one("search", "retriever")
    assert found.input is None and found.output is None


def test_methods_are_known_by_their_class_without_self(spans: Recording) -> None:
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
        def other(cls, x: int) -> type:
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


def test_a_generator_that_is_closed_or_left_alone_ends_its_span(spans: Recording) -> None:
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
        said = "start"
        while said != "stop":
            try:
                said = yield said  # type: ignore[misc]
            except KeyError:
                said = "caught"
        return "end"  # type: ignore[return-value]

    def outer() -> Iterator[str]:
        result = yield from echo()
        yield f"returned {result}"

    run: Any = outer()
    assert [next(run), run.send("a"), run.throw(KeyError("k"))] == ["start", "a", "caught"]
    assert run.send("stop") == "returned end"
    assert spans.one("echo").output == "startacaught"


def test_a_generator_keeps_its_own_context_between_steps(spans: Recording) -> None:
    @tracer.observe
    def inner() -> Iterator[int]:
        with tracer.tool("held open"):
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
            tool held open
              span add
          span add
          span add
        """
    )


def test_a_generator_belongs_where_it_was_made_though_another_thread_takes_it(
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
    for found in leaves:
        assert found.parent_id is not None
        assert by_id[found.parent_id].name == f"branch {found.input['number']}"
        assert by_id[found.parent_id].parent_id == spans.one("root").span_id


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


def test_threads_belong_where_they_are_told_to(spans: Recording) -> None:
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


# A program is a tree of steps; each is run as one of the sorts that the SDK knows.
Program = tuple[str, list[Any]]
SORTS = ("call", "generator", "async call", "async generator", "block", "thread", "task")
programs = st.recursive(
    st.sampled_from(SORTS).map(lambda sort: (sort, [])),
    lambda below: st.tuples(st.sampled_from(SORTS), st.lists(below, max_size=3)),
    max_leaves=12,
)


async def run(program: Program, path: str) -> None:
    sort, below = program

    async def steps() -> None:
        for number, part in enumerate(below):
            await run(part, f"{path}.{number}")

    def blocking() -> None:
        asyncio.run(steps())

    if sort == "call":
        await asyncio.to_thread(tracer.observe(name=path)(blocking))
    elif sort == "generator":

        def generate() -> Iterator[int]:
            yield 1
            blocking()
            yield 2

        await asyncio.to_thread(lambda: list(tracer.observe(name=path)(generate)()))
    elif sort == "async call":
        await tracer.observe(name=path)(steps)()
    elif sort == "async generator":

        async def generate_async() -> AsyncIterator[int]:
            yield 1
            await steps()
            yield 2

        async for _ in tracer.observe(name=path)(generate_async)():
            await asyncio.sleep(0)
    elif sort == "block":
        with tracer.span(path):
            await steps()
    elif sort == "thread":
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
        found = {(s.name, names[s.parent_id] if s.parent_id else None) for s in spans.spans}
    assert found == set(expected(program, "0", None))
