"""Flask, FastAPI and Celery through OpenTelemetry's stock instrumentations, in one line each."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tracer.sdk._client import state
from tracer.sdk._config import logger


def flask(app: Any, **options: Any) -> bool:
    """Trace each request of a Flask application, as part of its caller's trace.

    ``options`` go to OpenTelemetry's FlaskInstrumentor. False: it isn't installed, or ``init`` was
    not called, and the log says so.
    """
    return _instrument_app("flask", "FlaskInstrumentor", app, options)


def fastapi(app: Any, **options: Any) -> bool:
    """Trace each request of a FastAPI application; otherwise like ``flask``."""
    return _instrument_app("fastapi", "FastAPIInstrumentor", app, options)


def celery(**options: Any) -> bool:
    """Trace the tasks of Celery, as part of the trace that sent them; otherwise like ``flask``.

    Call it where tasks are sent and where they are worked on; workers that fork need nothing else.
    """
    made = _instrumentor("celery", "CeleryInstrumentor")
    if made is None:
        return False
    instrumentor, provider = made
    instrumentor.instrument(tracer_provider=provider, **options)
    return True


def _instrument_app(name: str, kind: str, app: Any, options: dict[str, Any]) -> bool:
    made = _instrumentor(name, kind)
    if made is None:
        return False
    instrumentor, provider = made
    instrumentor.instrument_app(app, tracer_provider=provider, **options)
    return True


def _instrumentor(name: str, kind: str) -> tuple[Any, Any] | None:
    if state.client is None:
        logger.warning("%s is not traced: call tracer.init() first", name)
        return None
    package = f"opentelemetry-instrumentation-{name}"
    try:
        module = import_module(package.replace("-", "."))
    except ImportError as error:
        logger.warning("%s is not traced (%s): pip install %s", name, error, package)
        return None
    return getattr(module, kind)(), state.client.provider
