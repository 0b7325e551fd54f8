"""Turns on the installed instrumentation libraries: those of models, and of named frameworks."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final, NamedTuple

from tracer.sdk._client import IDLE, state
from tracer.sdk._config import logger

_GROUPS: Final = ("openinference_instrumentor", "opentelemetry_instrumentor")
# The families in order of preference, with a text in the metadata of their packages; the last one
# matches all other packages.
_FAMILIES: Final = {
    "openinference": "openinference.",
    "openllmetry": "openllmetry",
    "opentelemetry-genai": "instrumentation-genai",
    "opentelemetry": "",
}

# The variables that the instrumentations themselves read, for `capture_content=False`.
_WITHOUT_CONTENT: Final = {
    "OPENINFERENCE_HIDE_INPUTS": "true",
    "OPENINFERENCE_HIDE_OUTPUTS": "true",
    "TRACELOOP_TRACE_CONTENT": "false",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "false",
}


class Instrumented(NamedTuple):
    """The instrumentations that are on, as ``openai (openinference)``; the others, with reasons."""

    on: list[str]
    off: dict[str, str]


def instrument(
    *others: str, only: Iterable[str] | None = None, exclude: Iterable[str] = ()
) -> Instrumented:
    """Turn on every installed instrumentation of OpenInference, OpenLLMetry, OpenTelemetry GenAI.

    ``others`` names instrumentations of OpenTelemetry to turn on as well (``"httpx"``,
    ``"sqlalchemy"`` …; ``"all"``: each that is installed). ``only`` and ``exclude`` name libraries,
    such as ``"openai"``. Where two families instrument the same library, OpenInference's is turned
    on, as two would record each call twice. Never raises; call it once, after ``init``.
    """
    only, exclude = None if only is None else set(only), set(exclude)
    result = Instrumented([], {})
    client = state.client
    if client is IDLE:
        return result
    if not client.config.capture_content:
        os.environ.update(_WITHOUT_CONTENT)
    missing = set(others) - {"all"}
    on: set[str] = set()
    for family, entry in _installed():
        name = entry.name
        missing.discard(name)
        excluded = name in exclude or (only is not None and name not in only)
        if excluded or (family == "opentelemetry" and not {name, "all"} & set(others)):
            continue
        problem = "another family's is on" if name in on else _turn_on(entry, client.provider)
        if problem is None:
            on.add(name)
            result.on.append(f"{name} ({family})")
        else:
            result.off[f"{name} ({family})"] = problem
    for name in missing:
        result.off[name] = f"pip install opentelemetry-instrumentation-{name}"
    logger.info("instrumented: %s; not: %s", ", ".join(result.on) or "nothing", result.off)
    return result


def _installed() -> list[tuple[str, Any]]:
    """Return each family and ``importlib.metadata.EntryPoint``, the preferred families first."""
    # Imported here, as it would be a good part of the time to import the SDK.
    from importlib.metadata import entry_points

    entries = {entry.value: entry for group in _GROUPS for entry in entry_points(group=group)}
    order = list(_FAMILIES)
    installed = [(_family(entry), entry) for entry in entries.values()]
    return sorted(installed, key=lambda pair: (order.index(pair[0]), pair[1].name))


def _family(entry: Any) -> str:
    metadata = entry.dist.metadata
    urls = (metadata.get("Home-page") or "", *(metadata.get_all("Project-URL") or ()))
    description = " ".join((entry.value, *urls))
    return next(family for family, text in _FAMILIES.items() if text in description)


def _turn_on(entry: Any, provider: Any) -> str | None:
    """Turn on an instrumentation; return the reason of a failure, or None."""
    try:
        instrumentor = entry.load()()
        if instrumentor.is_instrumented_by_opentelemetry:
            return None
        # Private, but the only way to learn of a conflict: `instrument` logs it and returns None.
        conflict = instrumentor._check_dependency_conflicts()
        if conflict is not None:
            return str(conflict)
        instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    except Exception as error:
        # Other projects' code, of any version, against libraries of any version.
        return f"{type(error).__name__}: {error}"
    return None


def flask(app: Any, **options: Any) -> bool:
    """Trace each request of a Flask application, as part of its caller's trace.

    ``options`` go to OpenTelemetry's FlaskInstrumentor. False: it isn't installed, or ``init`` was
    not called; a warning is logged.
    """
    return _instrument_framework("flask", "FlaskInstrumentor", "instrument_app", app, **options)


def fastapi(app: Any, **options: Any) -> bool:
    """Trace each request of a FastAPI application; otherwise like ``flask``."""
    return _instrument_framework("fastapi", "FastAPIInstrumentor", "instrument_app", app, **options)


def celery(**options: Any) -> bool:
    """Trace the tasks of Celery, as part of the sender's trace; otherwise like ``flask``.

    Call it in the programs that send tasks and in the workers, before these fork.
    """
    return _instrument_framework("celery", "CeleryInstrumentor", "instrument", **options)


def _instrument_framework(name: str, kind: str, method: str, *app: Any, **options: Any) -> bool:
    client = state.client
    if client is IDLE:
        logger.warning("%s is not traced: call tracer.init() first", name)
        return False
    package = f"opentelemetry-instrumentation-{name}"
    try:
        instrumentor = getattr(import_module(package.replace("-", ".")), kind)()
    except ImportError as error:
        logger.warning("%s is not traced (%s): pip install %s", name, error, package)
        return False
    getattr(instrumentor, method)(*app, tracer_provider=client.provider, **options)
    return True
