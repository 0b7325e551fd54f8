"""Every decorator on every shape of function: the body runs inside, and results stay the same."""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

import tracer.sdk as tracer
from tests.support.paths import ROOT
from tests.support.shapes import (
    SHAPES,
    Inside,
    awaited,
    consume,
    generator_function,
    gone,
    inside,
)
from tracer.sdk.testing import Recorded, Recording

CASES = [
    pytest.param(shape, id=f"{name}-{number}")
    for name, shapes in SHAPES.items()
    for number, shape in enumerate(shapes)
]


def order(spans: Recording) -> list[str]:
    return [span.name for span in spans.spans]


@pytest.mark.parametrize("shape", CASES)
def test_an_observed_call_is_one_span_around_all_of_its_work(
    spans: Recording, shape: Callable[[Inside], Any]
) -> None:
    observed = tracer.observe(name="call")(shape(inside))
    with tracer.span("caller"):
        result = observed()
        if inspect.isawaitable(result):
            # The body of a coroutine function starts where it is awaited.
            result = asyncio.run(awaited(result))
    tracer.event("between")
    assert consume(result) == "ab"
    call, step = spans.one("call"), spans.one("inside")
    assert step.parent_id == call.span_id
    assert call.parent_id == spans.one("caller").span_id
    assert call.output == "ab"
    assert call.error is None
    assert order(spans).index("inside") < order(spans).index("call")
    assert spans.one("between").parent_id is None


@pytest.mark.parametrize("shape", CASES)
def test_an_error_in_an_observed_call_reaches_the_caller_and_the_span(
    spans: Recording, shape: Callable[[Inside], Any]
) -> None:
    with pytest.raises(LookupError, match="gone"):
        consume(tracer.observe(name="call")(shape(gone))())
    assert spans.one("call").error == "LookupError: gone"


def in_session(function: Any) -> Any:
    return tracer.session("s-1", user="u-7", tags=["beta"])(function)


def has_session(step: Recorded) -> bool:
    return (step.session, step.user, list(step.tags)) == ("s-1", "u-7", ["beta"])


PARENT = f"00-{'c' * 32}-{'d' * 16}-01"


def in_trace(function: Any) -> Any:
    return tracer.continue_trace({"traceparent": PARENT})(function)


def below_captured(function: Any) -> Any:
    with tracer.start("captured", parent=PARENT):
        return tracer.in_context(function)


DECORATORS: dict[str, tuple[Callable[[Any], Any], Callable[[Recorded], bool]]] = {
    "session": (in_session, has_session),
    "continue_trace": (in_trace, lambda step: step.parent_id == "d" * 16),
    "in_context": (below_captured, lambda step: step.trace_id == "c" * 32),
}


@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize("shape", CASES)
def test_a_context_holds_until_the_work_of_a_call_is_done(
    spans: Recording, shape: Callable[[Inside], Any], decorator: str
) -> None:
    decorate, holds = DECORATORS[decorator]
    decorated = decorate(shape(inside))
    result = decorated()
    tracer.event("between")
    assert consume(result) == "ab"
    tracer.event("after")
    assert holds(spans.one("inside"))
    assert not holds(spans.one("between"))
    assert not holds(spans.one("after"))


@pytest.mark.usefixtures("spans")
@pytest.mark.parametrize("decorator", ["observe", *DECORATORS])
@pytest.mark.parametrize("shape", CASES)
def test_a_decorated_function_is_of_the_same_kind(
    shape: Callable[[Inside], Any], decorator: str
) -> None:
    plain = shape(inside)
    decorate = tracer.observe if decorator == "observe" else DECORATORS[decorator][0]
    decorated: Any = decorate(plain)
    # Callable objects with an `async __call__` become coroutine functions, which they are not.
    if not isinstance(plain, functools.partial) and inspect.isfunction(plain):
        assert inspect.iscoroutinefunction(decorated) == inspect.iscoroutinefunction(plain)
    original, result = plain(), decorated()
    if not inspect.isawaitable(original):
        assert type(result) is type(original)
    assert inspect.isawaitable(result) == inspect.isawaitable(original)
    consume(original), consume(result)


@pytest.mark.usefixtures("spans")
@pytest.mark.parametrize("decorate", [tracer.observe, in_session, in_trace, below_captured])
def test_methods_of_a_class_can_be_decorated_above_and_below_their_own_decorator(
    decorate: Callable[[Any], Any],
) -> None:
    class Agent:
        @decorate
        def run(self, x: int) -> int:
            return x

        @classmethod
        @decorate
        def make(cls, x: int) -> int:
            return x

        @decorate
        @classmethod
        def other(cls, x: int) -> int:
            return x

        @decorate
        @staticmethod
        def help(x: int) -> int:
            return x

    assert [Agent().run(1), Agent.make(2), Agent.other(3), Agent.help(4)] == [1, 2, 3, 4]


@pytest.mark.usefixtures("spans")
@pytest.mark.parametrize("decorate", [tracer.observe, in_session, in_trace, below_captured])
def test_attributes_of_what_is_decorated_stay(decorate: Callable[[Any], Any]) -> None:
    @decorate
    @functools.lru_cache(maxsize=7)
    def double(x: int) -> int:
        """Double."""
        return 2 * x

    assert [double(2), double(2)] == [4, 4]
    assert double.cache_info().hits == 1
    assert double.cache_parameters()["maxsize"] == 7
    double.cache_clear()
    assert double.cache_info().currsize == 0
    assert (double.__name__, double.__doc__) == ("double", "Double.")
    bound = decorate(functools.partial(max, 1))
    assert (bound.func, bound.args, bound(2)) == (max, (1,), 2)


@pytest.mark.usefixtures("spans")
@pytest.mark.parametrize("decorate", [in_session, in_trace, below_captured])
def test_only_functions_can_be_decorated(decorate: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="expected a function"):
        decorate(3)


@pytest.mark.usefixtures("spans")
def test_names_of_arguments_are_the_applications_own() -> None:
    for decorate in (tracer.observe, in_session, in_trace, below_captured):
        decorated: Any = decorate(lambda **arguments: arguments)
        names = {"self": 1, "scope": 2, "function": 3, "context": 4, "args": 5, "kwargs": 6}
        assert decorated(**names) == names


def test_a_session_around_an_observed_generator_reaches_its_span(spans: Recording) -> None:
    for decorate in (
        lambda body: in_session(tracer.observe(body)),
        lambda body: tracer.observe(in_session(body)),
    ):
        decorated = decorate(generator_function(inside))
        assert consume(decorated()) == "ab"
    outer, inner = spans.named("generator_function.<locals>.run") or spans.named("run")
    assert has_session(outer)
    assert not has_session(inner)
    assert all(has_session(step) for step in spans.named("inside"))


@pytest.mark.usefixtures("spans")
def test_an_object_with_a_response_of_another_kind_is_returned_as_it_is() -> None:
    class Reply:
        def __init__(self) -> None:
            self.response = (letter for letter in "ab")

    class EmptyResponse:
        response = body_iterator = None

    class Liar:
        def __getattribute__(self, name: str) -> Any:
            raise MemoryError(name)

    reply = Reply()
    body = reply.response
    for result in (reply, EmptyResponse(), EmptyResponse, Liar(), object(), 3.5):
        assert tracer.observe(lambda result=result: result)() is result
        assert in_session(lambda result=result: result)() is result
    assert reply.response is body


def test_the_page_names_every_shape() -> None:
    page = (ROOT / "docs" / "sdk" / "spans.md").read_text()
    table = page.partition("| the function | ")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.+?) \|", table, re.MULTILINE)
    assert rows[0] == "---"
    assert rows[1:] == list(SHAPES)
