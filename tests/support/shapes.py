"""Functions of every kind, under the names of the documentation."""

from __future__ import annotations

import asyncio
import functools
import inspect
import types
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Any

import flask

import tracer.sdk as tracer

Inside = Callable[[], None]
"""The last step of a function's body."""


def function(inside: Inside) -> Any:
    def run() -> str:
        inside()
        return "ab"

    return run


def coroutine_function(inside: Inside) -> Any:
    async def run() -> str:
        await asyncio.sleep(0)
        inside()
        return "ab"

    return run


def generator_function(inside: Inside) -> Any:
    def run() -> Iterator[str]:
        yield "a"
        inside()
        yield "b"

    return run


def async_generator_function(inside: Inside) -> Any:
    async def run() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(0)
        inside()
        yield "b"

    return run


def returns(shape: Callable[[Inside], Any]) -> Callable[[Inside], Any]:
    """Return the shape of a plain function that returns what one of ``shape`` returns."""

    def make(inside: Inside) -> Any:
        inner = shape(inside)
        return lambda: inner()

    return make


def async_returns(shape: Callable[[Inside], Any]) -> Callable[[Inside], Any]:
    """Return the same of a coroutine function."""

    def make(inside: Inside) -> Any:
        inner = shape(inside)

        async def run() -> Any:
            await asyncio.sleep(0)
            return inner()

        return run

    return make


def partial(shape: Callable[[Inside], Any]) -> Callable[[Inside], Any]:
    def make(inside: Inside) -> Any:
        inner = shape(inside)
        return functools.partial(functools.partial(lambda _: inner(), "bound"))

    return make


def partial_coroutine_function(inside: Inside) -> Any:
    async def run(_: str) -> str:
        await asyncio.sleep(0)
        inside()
        return "ab"

    return functools.partial(run, "bound")


def callable_object(shape: Callable[[Inside], Any]) -> Callable[[Inside], Any]:
    def make(inside: Inside) -> Any:
        run = shape(inside)
        return type("Callable", (), {"__call__": staticmethod(run)})()

    return make


def async_callable_object(inside: Inside) -> Any:
    class Callable:
        async def __call__(self) -> str:
            await asyncio.sleep(0)
            inside()
            return "ab"

    return Callable()


def method(inside: Inside) -> Any:
    class Agent:
        def run(self) -> str:
            inside()
            return "ab"

    return Agent().run


def cached_function(inside: Inside) -> Any:
    return functools.lru_cache(function(inside))


def generator_coroutine_function(inside: Inside) -> Any:
    @types.coroutine
    def run() -> Any:
        yield
        inside()
        return "ab"

    return run


class StreamingResponse:
    """As the response of Starlette and FastAPI holds its body."""

    def __init__(self, body: Any) -> None:
        self.body_iterator = body


def starlette_response(inside: Inside) -> Any:
    body = async_generator_function(inside)

    async def run() -> StreamingResponse:
        await asyncio.sleep(0)
        return StreamingResponse(body())

    return run


def flask_response(inside: Inside) -> Any:
    body = generator_function(inside)
    return lambda: flask.Response(body())


SHAPES: dict[str, list[Callable[[Inside], Any]]] = {
    "function": [function, callable_object(function), partial(function)],
    "method, classmethod, staticmethod": [method],
    "`lru_cache` and other wrappers": [cached_function],
    "coroutine function": [coroutine_function, partial_coroutine_function],
    "callable object with `async __call__`": [async_callable_object],
    "generator function": [generator_function, callable_object(generator_function)],
    "async generator function": [async_generator_function],
    "function that returns a coroutine": [
        returns(coroutine_function),
        partial(coroutine_function),
        callable_object(coroutine_function),
        generator_coroutine_function,
        async_returns(coroutine_function),
    ],
    "function that returns a generator": [
        returns(generator_function),
        partial(generator_function),
        async_returns(generator_function),
    ],
    "function that returns an async generator": [
        returns(async_generator_function),
        partial(async_generator_function),
        async_returns(async_generator_function),
    ],
    "function that returns a streaming response": [
        flask_response,
        starlette_response,
        returns(flask_response),
        async_returns(starlette_response),
    ],
}


def consume(result: Any) -> Any:
    """Return the final result of a call, which an event loop runs if necessary."""
    is_awaitable = inspect.isawaitable(result)
    if isinstance(result, flask.Response):
        return "".join(part.decode() for part in result.iter_encoded())
    if isinstance(result, Generator) and not is_awaitable:
        return "".join(result)
    if is_awaitable or isinstance(result, AsyncGenerator | StreamingResponse):
        return asyncio.run(consume_async(result))
    return result


async def consume_async(result: Any) -> Any:
    if isinstance(result, AsyncGenerator):
        return "".join([item async for item in result])
    if isinstance(result, StreamingResponse):
        return await consume_async(result.body_iterator)
    is_awaitable = inspect.isawaitable(result)
    return await consume_async(await result) if is_awaitable else consume(result)


async def awaited(result: Any) -> Any:
    return await result


def inside() -> None:
    tracer.event("inside")


def gone() -> None:
    raise LookupError("gone")
