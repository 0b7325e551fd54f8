"""Runs functions, and the generators and coroutines that they return, in a given context."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import partial, update_wrapper
from types import AsyncGeneratorType, CoroutineType, FunctionType, GeneratorType
from typing import Any, Final, TypeVar

from opentelemetry.context import Context, attach, get_current

from tracer.sdk._spans import restore

F = TypeVar("F", bound=Callable[..., Any])

# The attributes in which responses of web frameworks hold a body that is generated later: those of
# Starlette and FastAPI, of Flask (Werkzeug), and of Django. All have "Response" in their names.
_BODIES: Final = ("body_iterator", "response", "_iterator")


class Scope:
    """The context of one call, current in each step that the call takes.

    A context that the function leaves open at the end of a step is current again in the next.
    """

    def __init__(self, context: Context) -> None:
        self.context = context

    def __enter__(self) -> None:
        self._token = attach(self.context)

    def __exit__(self, kind: Any, error: BaseException | None, stack: Any) -> None:
        self.context = get_current()
        restore(self._token)

    def drives(self, driver: Any, work: Any) -> None:
        """Receive the generator or coroutine that the call returned (``work``) and its wrapper."""

    def yielded(self, item: Any) -> None:
        """Receive an item of a generator."""

    def ended(self, value: Any = None) -> None:
        """Receive the end of the call, and what it returned; an error goes to ``__exit__``."""


def follow(result: Any, scope: Scope) -> Any:
    """Return the result of a call; a generator or coroutine in it will run inside ``scope``.

    A generator, async generator or coroutine is replaced by one that drives it, and so is one that
    a response has for a body. Anything else ends the scope.
    """
    attribute = unfinished_work(result)
    if attribute is None:
        scope.ended(result)
        return result
    if not attribute:
        return _driven(result, scope)
    attributes = vars(result)
    attributes[attribute] = _driven(attributes[attribute], scope)
    return result


def unfinished_work(result: Any) -> str | None:
    """Return the attribute of ``result`` that has yet to run; "": itself; None: nothing has."""
    if type(result) in _DRIVERS:
        return ""
    # The result may be any object, also one that fails when its attributes are read.
    with suppress(Exception):
        attributes = vars(result)
        for name in _BODIES:
            if type(attributes.get(name)) in (GeneratorType, AsyncGeneratorType):
                return name if _is_response(type(result)) else None
    return None


def _is_response(kind: type) -> bool:
    return any(base.__name__.endswith("Response") for base in kind.__mro__)


def _driven(work: Any, scope: Scope) -> Any:
    kind = type(work)
    if kind is GeneratorType and inspect.isawaitable(work):
        # A coroutine in the form of a generator, as `types.coroutine` makes them.
        kind = CoroutineType
    driver = _DRIVERS[kind](work, scope)
    driver.__name__, driver.__qualname__ = work.__name__, work.__qualname__
    scope.drives(driver, work)
    return driver


async def _drive_coroutine(work: Any, scope: Scope) -> Any:
    with scope:
        result = await work
    return follow(result, scope)


def _drive_generator(work: Any, scope: Scope) -> Any:
    # A list, as a step that is still named when it raises would be part of a reference cycle.
    steps = [partial(next, work)]
    while True:
        try:
            with scope:
                item = steps.pop()()
        except StopIteration as stop:
            scope.ended(stop.value)
            return stop.value
        scope.yielded(item)
        try:
            steps.append(partial(work.send, (yield item)))
        except GeneratorExit:
            with scope:
                work.close()
            scope.ended()
            raise
        except BaseException as error:
            steps.append(partial(work.throw, error))


async def _drive_async_generator(work: Any, scope: Scope) -> Any:
    steps = [partial(anext, work)]
    while True:
        try:
            with scope:
                item = await steps.pop()()
        except StopAsyncIteration:
            scope.ended()
            return
        scope.yielded(item)
        try:
            steps.append(partial(work.asend, (yield item)))
        except GeneratorExit:
            with scope:
                await work.aclose()
            scope.ended()
            raise
        except BaseException as error:
            steps.append(partial(work.athrow, error))


_DRIVERS: Final[dict[type, Callable[[Any, Scope], Any]]] = {
    GeneratorType: _drive_generator,
    AsyncGeneratorType: _drive_async_generator,
    CoroutineType: _drive_coroutine,
}


def is_function_kind(function: Any, check: Callable[[Any], bool]) -> bool:
    """Return whether ``check``, of `inspect`, holds for a function, partial or callable object."""
    while isinstance(function, partial):
        function = function.func
    return check(function) or check(type(function).__call__)


def with_metadata_of(function: Any, wrapper: Any) -> Any:
    """Return ``wrapper`` with the name, documentation and attributes of ``function``."""
    update_wrapper(wrapper, function)
    if not isinstance(function, FunctionType):
        # Such as `cache_clear` of an `lru_cache`, which is a method of the function's type.
        for name in dir(function):
            if not name.startswith("__") and name not in vars(wrapper):
                with suppress(Exception):
                    setattr(wrapper, name, getattr(function, name))
    return wrapper


def run_in_context(function: F, context: Callable[[], Context]) -> F:
    """Return ``function`` so that each call runs in the context that ``context`` returns then.

    Raises TypeError for anything but a function.
    """
    wrapped: Any = function
    if isinstance(wrapped, (classmethod, staticmethod)):
        return type(wrapped)(run_in_context(wrapped.__func__, context))  # type: ignore[return-value]
    if not callable(wrapped):
        raise TypeError(f"expected a function, got {wrapped!r:.100}")

    def call(*args: Any, **kwargs: Any) -> Any:
        return call_in(Scope(context()), wrapped, *args, **kwargs)

    async def call_async(*args: Any, **kwargs: Any) -> Any:
        scope = Scope(context())
        with scope:
            result = await wrapped(*args, **kwargs)
        return follow(result, scope)

    is_async = is_function_kind(wrapped, inspect.iscoroutinefunction)
    wrapper: F = with_metadata_of(wrapped, call_async if is_async else call)
    return wrapper


def call_in(scope: Scope, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call ``function`` inside ``scope``, and `follow` its result."""
    with scope:
        result = function(*args, **kwargs)
    return follow(result, scope)
