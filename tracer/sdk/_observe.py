"""A decorator that makes a span of each call of a function, whatever sort of function it is."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Final, NamedTuple, TypeVar, overload

from opentelemetry import trace
from opentelemetry.context import Context, attach, get_current

from tracer.sdk._client import state
from tracer.sdk._config import logger
from tracer.sdk._spans import OFF, Span, leave

F = TypeVar("F", bound=Callable[..., Any])

_MAX_YIELDED: Final = 10_000
_SELVES: Final = ("self", "cls")


class _Plan(NamedTuple):
    """How calls of one function are recorded."""

    name: str
    kind: str
    parameters: tuple[str, ...]
    """Names of the positional parameters, in order."""
    rest: str
    """Name of ``*args``."""
    skip: int
    """1 where the first argument is the object or class that the method belongs to."""
    capture_input: bool
    capture_output: bool


@overload
def observe(function: F, /) -> F: ...


@overload
def observe(
    *,
    name: str | None = None,
    kind: str = "span",
    capture_input: bool = True,
    capture_output: bool = True,
) -> Callable[[F], F]: ...


def observe(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    kind: str = "span",
    capture_input: bool = True,
    capture_output: bool = True,
) -> Any:
    """Make a span of each call: arguments are its input, what comes back is its output.

    Takes functions, coroutines, generators, async generators, methods, classmethods and
    staticmethods. A generator's span lasts until it is exhausted or closed. Results and exceptions
    reach the caller untouched. Raises TypeError for what is no function.
    """
    captured = capture_input, capture_output
    if function is None:
        return lambda given: observe(  # type: ignore[call-overload]
            given, name=name, kind=kind, capture_input=capture_input, capture_output=capture_output
        )
    if isinstance(function, (classmethod, staticmethod)):
        inner = function.__func__
        return type(function)(_wrapped(inner, _plan(inner, name, kind, *captured)))
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"observe: expected a function, got {function!r:.100}")
    return _wrapped(function, _plan(function, name, kind, *captured))


def _plan(function: Any, name: str | None, kind: str, inputs: bool, outputs: bool) -> _Plan:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
    # By its name, as nothing tells a method from a function while its class is being made.
    skip = int(bool(positional) and positional[0] in _SELVES)
    called = name or str(getattr(function, "__qualname__", type(function).__qualname__))
    # A function inside a function is known by its own name.
    short = called.rpartition("<locals>.")[2]
    return _Plan(short, kind, tuple(positional), rest, skip, inputs, outputs)


def _wrapped(function: Any, plan: _Plan) -> Any:
    if inspect.isasyncgenfunction(function):
        return _of_generators(function, plan, _generated_async)
    if inspect.isgeneratorfunction(function):
        return _of_generators(function, plan, _generated)
    if inspect.iscoroutinefunction(function):
        return _of_coroutines(function, plan)
    return _of_functions(function, plan)


def _of_functions(function: Callable[..., Any], plan: _Plan) -> Callable[..., Any]:
    @functools.wraps(function)
    def observed(*args: Any, **kwargs: Any) -> Any:
        if state.client is None:
            return function(*args, **kwargs)
        with _begin(plan, args, kwargs) as span:
            result = function(*args, **kwargs)
            if plan.capture_output and result is not None:
                span.update(output=result)
            return result

    return observed


def _of_coroutines(
    function: Callable[..., Awaitable[Any]], plan: _Plan
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(function)
    async def observed(*args: Any, **kwargs: Any) -> Any:
        if state.client is None:
            return await function(*args, **kwargs)
        with _begin(plan, args, kwargs) as span:
            result = await function(*args, **kwargs)
            if plan.capture_output and result is not None:
                span.update(output=result)
            return result

    return observed


def _begin(
    plan: _Plan, args: tuple[Any, ...], kwargs: dict[str, Any], context: Context | None = None
) -> Span:
    """Return the span of a call, or the one that does nothing where that fails."""
    client = state.client
    if client is None:
        return OFF
    try:
        span = client.start(plan.name, plan.kind, context)
        if plan.capture_input and (args or kwargs):
            said = _arguments(plan, args, kwargs)
            if said:
                span.update(input=said)
        return span
    except Exception:
        logger.exception("a call could not be recorded")
        return OFF


def _arguments(plan: _Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments by name, without defaults: binding a signature costs ten times more."""
    parameters, skip = plan.parameters, plan.skip
    said = dict(zip(parameters[skip:], args[skip:], strict=False))
    if len(args) > len(parameters):
        said[plan.rest] = args[len(parameters) :]
    if kwargs:
        said.update(kwargs)
    return said


class _Steps:
    """The span of a generator, which is current in each of its steps and nowhere in between.

    It belongs below what was current when the generator was made, in whichever thread or task it
    is exhausted; a context that the generator's body leaves open is there again in the next step.
    """

    def __init__(self, plan: _Plan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._plan = plan
        self._arguments = args, kwargs
        self._context: Context = get_current()
        self._yielded: list[Any] = []
        self.span = OFF

    def begin(self) -> None:
        """Start the span: a generator that nobody asks for anything leaves none."""
        self.span = _begin(self._plan, *self._arguments, self._context)
        if self.span is not OFF:
            self._context = trace.set_span_in_context(self.span, self._context)

    def enter(self) -> Any:
        """Return the token of a step's context."""
        return attach(self._context)

    def leave(self, token: Any) -> None:
        """End a step."""
        # What the body has entered and not left yet, it finds again in its next step.
        self._context = get_current()
        leave(token)

    def saw(self, item: Any) -> None:
        """Take note of an item that was yielded."""
        # Endless streams must not keep everything that they ever said.
        if self._plan.capture_output and len(self._yielded) < _MAX_YIELDED:
            self._yielded.append(item)

    def end(self, error: BaseException | None = None) -> None:
        """End the span with what was yielded as its output: a text where it was in pieces."""
        items = self._yielded
        if items:
            text = all(isinstance(item, str) for item in items)
            self.span.update(output="".join(items) if text else items)
        self.span.finish(error)


def _of_generators(
    function: Callable[..., Any], plan: _Plan, drive: Callable[[Any, _Steps], Any]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def observed(*args: Any, **kwargs: Any) -> Any:
        if state.client is None:
            return function(*args, **kwargs)
        return drive(function(*args, **kwargs), _Steps(plan, args, kwargs))

    return observed


def _generated(generator: Any, steps: _Steps) -> Generator[Any, Any, Any]:
    steps.begin()
    error: BaseException | None = None
    step: Callable[[], Any] = functools.partial(next, generator)
    try:
        while True:
            token = steps.enter()
            try:
                item = step()
            except StopIteration as end:
                return end.value
            finally:
                steps.leave(token)
            steps.saw(item)
            step = yield from _answer(generator, item)
    except BaseException as raised:
        error = raised
        raise
    finally:
        _close(generator, steps, error)


def _answer(generator: Any, item: Any) -> Any:
    """Yield ``item``; return the step that hands the consumer's answer to the generator."""
    try:
        sent = yield item
    except GeneratorExit:
        raise
    except BaseException as thrown:
        return functools.partial(generator.throw, thrown)
    return functools.partial(generator.send, sent)


def _close(generator: Any, steps: _Steps, error: BaseException | None) -> None:
    # What the body does in its `finally` belongs to the span as well.
    token = steps.enter()
    try:
        generator.close()
    finally:
        steps.leave(token)
        steps.end(error)


async def _generated_async(generator: Any, steps: _Steps) -> AsyncIterator[Any]:
    steps.begin()
    error: BaseException | None = None
    step: Callable[[], Awaitable[Any]] = generator.__anext__
    try:
        while True:
            token = steps.enter()
            try:
                item = await step()
            except StopAsyncIteration:
                return
            finally:
                steps.leave(token)
            steps.saw(item)
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as thrown:
                step = functools.partial(generator.athrow, thrown)
            else:
                step = functools.partial(generator.asend, sent)
    except BaseException as raised:
        error = raised
        raise
    finally:
        await _close_async(generator, steps, error)


async def _close_async(generator: Any, steps: _Steps, error: BaseException | None) -> None:
    token = steps.enter()
    try:
        await generator.aclose()
    finally:
        steps.leave(token)
        steps.end(error)
