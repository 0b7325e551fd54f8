"""observe: a decorator that records a span for each call of any kind of function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypedDict, Unpack, overload
from weakref import finalize, ref

from opentelemetry import trace
from opentelemetry.context import Context, get_current

from tracer.sdk._calls import F, Scope, follow, is_function_kind, unfinished_work, with_metadata_of
from tracer.sdk._client import state
from tracer.sdk._spans import Span

_MAX_STREAM_BYTES: Final = 1_000_000
_TEXT_BYTES, _ITEM_BYTES = 8, 125
"""Estimated overhead of a text besides its characters, and size of any other item."""
# Results of these types are no generators or coroutines: the fast path.
_VALUES: Final = frozenset((type(None), bool, int, float, str, bytes, list, tuple, dict, set))


class Options(TypedDict, total=False):
    """How the calls of a function are recorded."""

    name: str | None
    """None: the function's name."""
    kind: str
    """Kind of the span; default: "span"."""
    capture_input: bool
    capture_output: bool
    """Default: True."""


@overload
def observe(function: F, /) -> F: ...


@overload
def observe(**options: Unpack[Options]) -> Callable[[F], F]: ...


def observe(function: Any = None, /, **options: Any) -> Any:
    """Make a span of each call, with the arguments as input and the returned value as output.

    Takes functions of every shape: the span of a coroutine, generator or streaming response lasts
    until it has run or is closed. Results and exceptions reach the caller unchanged. Raises
    TypeError for anything but a function.
    """
    if function is None:
        return functools.partial(observe, **options)
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(observe(function.__func__, **options))
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"observe: expected a function, got {function!r:.100}")
    return _wrap(function, _Plan(function, **options))


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
        inner = function
        while isinstance(inner, functools.partial):
            inner = inner.func
        full_name = name or str(getattr(inner, "__qualname__", type(inner).__qualname__))
        # A function inside a function goes by its own name.
        self.name = full_name.rpartition("<locals>.")[2]
        self.kind = kind
        self.captures_input = capture_input
        self.captures_output = capture_output
        parameters: list[inspect.Parameter] = []
        with suppress(TypeError, ValueError):
            parameters = list(inspect.signature(function).parameters.values())
        self._names = [p.name for p in parameters if p.kind <= p.POSITIONAL_OR_KEYWORD]
        self._rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
        # By its name: while a class is being defined, a method is a plain function.
        self._skip = int(self._names[:1] in (["self"], ["cls"]))

    def begin(self, args: Any, kwargs: Any, context: Context | None = None) -> Span:
        """Start the span of a call."""
        span = state.client.start(self.name, self.kind, context)
        if self.captures_input and span.is_recording():
            arguments = self._arguments(args, kwargs)
            if arguments:
                span.update(input=arguments)
        return span

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments by name, without defaults."""
        # To bind the signature would take ten times as long.
        arguments = dict(zip(self._names[self._skip :], args[self._skip :], strict=False))
        if len(args) > len(self._names):
            arguments[self._rest] = args[len(self._names) :]
        return {**arguments, **kwargs}

    def returned(self, span: Span, result: Any) -> Any:
        """Return ``result``; record it, or keep the span open until its generator has run."""
        if type(result) not in _VALUES and unfinished_work(result) is not None:
            span.stays_open = True
            return follow(result, _Call(self, span))
        if self.captures_output and result is not None:
            span.set_result(result)
        return result


def _wrap(function: Any, plan: _Plan) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        with plan.begin(args, kwargs) as span:
            return plan.returned(span, function(*args, **kwargs))

    async def call_async(*args: Any, **kwargs: Any) -> Any:
        with plan.begin(args, kwargs) as span:
            return plan.returned(span, await function(*args, **kwargs))

    def generate(*args: Any, **kwargs: Any) -> Any:
        return follow(function(*args, **kwargs), _Call(plan, None, args, kwargs))

    if is_function_kind(function, inspect.iscoroutinefunction):
        return with_metadata_of(function, call_async)
    if is_function_kind(function, inspect.isgeneratorfunction):
        return with_metadata_of(function, generate)
    if is_function_kind(function, inspect.isasyncgenfunction):
        return with_metadata_of(function, generate)
    return with_metadata_of(function, call)


class _Call(Scope):
    """A call whose generator or coroutine outlives the function: the span ends with that.

    The span's parent is the span that was current at the call, in whichever thread or task it runs.
    The span of a generator function starts at the first step, so that a generator that
    never runs leaves no span.
    """

    def __init__(self, plan: _Plan, span: Span | None, args: Any = (), kwargs: Any = None) -> None:
        super().__init__(get_current())
        self._plan = plan
        self._span = span
        self._arguments = args, kwargs
        self._if_abandoned: finalize[..., Any] | None = None
        self._items: list[Any] = []
        self._left_bytes = _MAX_STREAM_BYTES
        self._skipped = 0

    def __enter__(self) -> None:
        if self._span is None:
            self._span = self._plan.begin(*self._arguments, self.context)
            if self._span.context.is_valid:
                self.context = trace.set_span_in_context(self._span, self.context)
        if self._if_abandoned is not None:
            self._if_abandoned.detach()
            self._if_abandoned = None
        super().__enter__()

    def __exit__(self, kind: Any, error: BaseException | None, stack: Any) -> None:
        super().__exit__(kind, error, stack)
        if error is not None and not isinstance(error, (StopIteration, StopAsyncIteration)):
            self.ended(error=error)

    def drives(self, driver: Any, work: Any) -> None:
        if self._span is not None:
            # Neither `self` nor the work may be kept alive, as both may refer to the driver.
            self._if_abandoned = finalize(driver, _abandon, ref(work), self._span)
            self._if_abandoned.atexit = False

    def yielded(self, item: Any) -> None:
        # An endless stream must not fill the memory.
        if self._left_bytes <= 0:
            self._skipped += 1
        elif self._plan.captures_output:
            is_text = isinstance(item, (str, bytes))
            self._left_bytes -= _TEXT_BYTES + len(item) if is_text else _ITEM_BYTES
            self._items.append(item)

    def ended(self, value: Any = None, error: BaseException | None = None) -> None:
        span = self._span
        if span is None:
            return
        output = self._output(value) if self._plan.captures_output else None
        if output is not None:
            span.set_result(output)
        span.finish(error)

    def _output(self, value: Any) -> Any:
        """Return the items that were yielded, as one text if they are its pieces, and ``value``."""
        items = self._items
        if not items:
            return value
        marker = f"…[truncated, {self._skipped} more items]" if self._skipped else ""
        output: Any = [*items, marker] if marker else items
        if all(isinstance(item, str) for item in items):
            output = "".join(items) + marker
        elif all(isinstance(item, bytes) for item in items):
            output = b"".join(items) + marker.encode()
        return output if value is None else {"yielded": output, "returned": value}


def _abandon(reference: ref[Any], span: Span) -> None:
    """End the span of a generator or coroutine that was never started."""
    work = reference()
    if inspect.iscoroutine(work):
        # Python warns of the driver, which was never awaited either.
        work.close()
    span.finish()
