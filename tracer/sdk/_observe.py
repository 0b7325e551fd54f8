"""A decorator that makes a span of each call of a function, whatever sort of function it is."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import suppress
from typing import Any, Final, Self, TypedDict, TypeVar, Unpack, overload

from opentelemetry import trace
from opentelemetry.context import Context, attach, get_current

from tracer.sdk._client import state
from tracer.sdk._spans import OFF, Span, leave

F = TypeVar("F", bound=Callable[..., Any])

_MAX_YIELDED: Final = 10_000


class Options(TypedDict, total=False):
    """How calls of a function are recorded."""

    name: str | None
    """None: that of the function."""
    kind: str
    """Of the span; "span" where it is not given."""
    capture_input: bool
    capture_output: bool
    """True where it is not given."""


@overload
def observe(function: F, /) -> F: ...


@overload
def observe(**options: Unpack[Options]) -> Callable[[F], F]: ...


def observe(function: Any = None, /, **options: Any) -> Any:
    """Make a span of each call: arguments are its input, what comes back is its output.

    Takes functions, coroutines, generators, async generators, methods, classmethods and
    staticmethods. A generator's span lasts until it is exhausted or closed. Results and exceptions
    reach the caller untouched. Raises TypeError for what is no function.
    """
    if function is None:
        return functools.partial(observe, **options)
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(observe(function.__func__, **options))
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"observe: expected a function, got {function!r:.100}")
    return _wrapped(function, _Plan(function, **options))


class _Plan:
    """How calls of one function are recorded."""

    def __init__(
        self,
        function: Any,
        name: str | None = None,
        kind: str = "span",
        capture_input: bool = True,
        capture_output: bool = True,
    ) -> None:
        called = name or str(getattr(function, "__qualname__", type(function).__qualname__))
        # A function inside a function is known by its own name.
        self.name = called.rpartition("<locals>.")[2]
        self.kind = kind
        self.inputs = capture_input
        self.outputs = capture_output
        parameters: list[inspect.Parameter] = []
        with suppress(TypeError, ValueError):
            parameters = list(inspect.signature(function).parameters.values())
        self._names = [p.name for p in parameters if p.kind <= p.POSITIONAL_OR_KEYWORD]
        self._rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
        # By its name, as nothing tells a method from a function while its class is being made.
        self._skip = int(self._names[:1] in (["self"], ["cls"]))

    def begin(self, args: Any, kwargs: Any, context: Context | None = None) -> Span:
        """Return the span of a call."""
        span = state.client.start(self.name, self.kind, context)
        if self.inputs and span.is_recording() and (said := self._arguments(args, kwargs)):
            span.update(input=said)
        return span

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments by name, without defaults: binding a signature costs ten times."""
        said = dict(zip(self._names[self._skip :], args[self._skip :], strict=False))
        if len(args) > len(self._names):
            said[self._rest] = args[len(self._names) :]
        return {**said, **kwargs}

    def returned(self, span: Span, result: Any) -> Any:
        """Return ``result``, which is the output of ``span``."""
        if self.outputs and result is not None:
            span.update(output=result)
        return result


def _wrapped(function: Any, plan: _Plan) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        with plan.begin(args, kwargs) as span:
            return plan.returned(span, function(*args, **kwargs))

    async def call_async(*args: Any, **kwargs: Any) -> Any:
        with plan.begin(args, kwargs) as span:
            return plan.returned(span, await function(*args, **kwargs))

    def generate(*args: Any, **kwargs: Any) -> Any:
        return _Generator(function(*args, **kwargs), plan, args, kwargs)

    def generate_async(*args: Any, **kwargs: Any) -> Any:
        return _AsyncGenerator(function(*args, **kwargs), plan, args, kwargs)

    sorts = (
        (inspect.isasyncgenfunction, generate_async),
        (inspect.isgeneratorfunction, generate),
        (inspect.iscoroutinefunction, call_async),
    )
    wrapper = next((wrapper for is_sort, wrapper in sorts if is_sort(function)), call)
    return functools.wraps(function)(wrapper)


class _Steps:
    """A generator's span, which is current in each of its steps and nowhere in between.

    It belongs below what was current when the generator was made, in whichever thread or task it
    is exhausted; a context that the generator's body leaves open is there again in the next step.
    """

    def __init__(self, generator: Any, plan: _Plan, args: Any, kwargs: Any) -> None:
        self._generator = generator
        self._plan = plan
        self._arguments = args, kwargs
        self._context: Context = get_current()
        self._span: Span | None = None
        self._yielded: list[Any] = []

    def _begun(self) -> Self:
        # Only now: a generator that nobody asks for anything leaves no span.
        if self._span is None:
            self._span = self._plan.begin(*self._arguments, self._context)
            if self._span is not OFF:
                self._context = trace.set_span_in_context(self._span, self._context)
        return self

    def __enter__(self) -> None:
        self._token = attach(self._context)

    def __exit__(self, kind: Any, error: BaseException | None, stack: Any) -> None:
        # What the body has entered and not left yet, it finds again in its next step.
        self._context = get_current()
        leave(self._token)
        if error is not None:
            self._end(error)

    def _saw(self, item: Any) -> Any:
        # Endless streams must not keep everything that they ever said.
        if self._plan.outputs and len(self._yielded) < _MAX_YIELDED:
            self._yielded.append(item)
        return item

    def _end(self, error: BaseException) -> None:
        if self._span is None:
            return
        if items := self._yielded:
            # A text, where it came in pieces.
            text = all(isinstance(item, str) for item in items)
            self._span.update(output="".join(items) if text else items)
        done = isinstance(error, (StopIteration, StopAsyncIteration))
        self._span.finish(None if done else error)


class _Generator(_Steps, Generator[Any, Any, Any]):
    def send(self, value: Any) -> Any:
        with self._begun():
            return self._saw(self._generator.send(value))

    def throw(self, *error: Any) -> Any:
        with self:
            return self._saw(self._generator.throw(*error))

    def __del__(self) -> None:
        self.close()


class _AsyncGenerator(_Steps, AsyncGenerator[Any, Any]):
    async def asend(self, value: Any) -> Any:
        with self._begun():
            return self._saw(await self._generator.asend(value))

    async def athrow(self, *error: Any) -> Any:
        with self:
            return self._saw(await self._generator.athrow(*error))

    async def aclose(self) -> None:
        with self:
            await self._generator.aclose()
        self._end(GeneratorExit())

    def __del__(self) -> None:
        # Its event loop closes the generator itself.
        self._end(GeneratorExit())
