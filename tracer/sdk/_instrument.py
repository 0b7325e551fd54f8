"""Turns on instrumentation libraries: all of models that are installed, frameworks one by one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final, NamedTuple

from tracer.sdk._client import IDLE, state
from tracer.sdk._config import logger

_GROUPS: Final = ("openinference_instrumentor", "opentelemetry_instrumentor")
# Each family with what its packages say of themselves, the one that is taken first: OpenTelemetry's
# own for models stand beside those for everything else.
_FAMILIES: Final = {
    "openinference": "openinference.",
    "openllmetry": "openllmetry",
    "opentelemetry-genai": "instrumentation-genai",
    "opentelemetry": "",
}

# What the instrumentations themselves listen to, for `capture_content=False`.
_WITHOUT_CONTENT: Final = {
    "OPENINFERENCE_HIDE_INPUTS": "true",
    "OPENINFERENCE_HIDE_OUTPUTS": "true",
    "TRACELOOP_TRACE_CONTENT": "false",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "false",
}


class Instrumented(NamedTuple):
    """What was turned on, as ``openai (openinference)``; and what was not, with the reason."""

    on: list[str]
    off: dict[str, str]


def instrument(
    *others: str, only: Iterable[str] | None = None, exclude: Iterable[str] = ()
) -> Instrumented:
    """Turn on every installed instrumentation of OpenInference, OpenLLMetry, OpenTelemetry GenAI.

    ``others`` are stock ones to turn on as well (``"httpx"``, ``"sqlalchemy"`` …; ``"all"``: each
    that is installed). ``only`` and ``exclude`` name libraries, such as ``"openai"``. Where two
    families have one for the same library, OpenInference's is taken: two would tell each call
    twice. Never raises; call it after ``init``, and once.
    """
    only, exclude = None if only is None else set(only), set(exclude)
    result = Instrumented([], {})
    client = state.client
    if client is IDLE:
        return result
    if not client.config.capture_content:
        os.environ.update(_WITHOUT_CONTENT)
    missing = set(others) - {"all"}
    taken: set[str] = set()
    for family, entry in _installed():
        name = entry.name
        missing.discard(name)
        left_out = name in exclude or (only is not None and name not in only)
        if left_out or (family == "opentelemetry" and not {name, "all"} & set(others)):
            continue
        problem = "another family's is on" if name in taken else _turn_on(entry, client.provider)
        if problem is None:
            taken.add(name)
            result.on.append(f"{name} ({family})")
        else:
            result.off[f"{name} ({family})"] = problem
    for name in missing:
        result.off[name] = f"pip install opentelemetry-instrumentation-{name}"
    logger.info("instrumented: %s; not: %s", ", ".join(result.on) or "nothing", result.off)
    return result


def _installed() -> list[tuple[str, Any]]:
    """Return each family and ``importlib.metadata.EntryPoint``, first what is to be taken first."""
    # Not every program asks, and importing it is a good part of importing the SDK.
    from importlib.metadata import entry_points

    entries = {entry.value: entry for group in _GROUPS for entry in entry_points(group=group)}
    found = [(_family(entry), entry) for entry in entries.values()]
    return sorted(found, key=lambda one: (list(_FAMILIES).index(one[0]), one[1].name))


def _family(entry: Any) -> str:
    metadata = entry.dist.metadata
    urls = (metadata.get("Home-page") or "", *(metadata.get_all("Project-URL") or ()))
    said = " ".join((entry.value, *urls))
    return next(family for family, mark in _FAMILIES.items() if mark in said)


def _turn_on(entry: Any, provider: Any) -> str | None:
    """Turn one on; return why that failed, None: it did not."""
    try:
        instrumentor = entry.load()()
        if instrumentor.is_instrumented_by_opentelemetry:
            return None
        conflict = instrumentor._check_dependency_conflicts()
        if conflict is not None:
            return str(conflict)
        # Checked above: by itself it would log an error and say nothing to us.
        instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    except Exception as error:
        # Third parties' code, of any age, against libraries of any age.
        return f"{type(error).__name__}: {error}"
    return None


def flask(app: Any, **options: Any) -> bool:
    """Trace each request of a Flask application, as part of its caller's trace.

    ``options`` go to OpenTelemetry's FlaskInstrumentor. False: it isn't installed, or ``init`` was
    not called, and the log says so.
    """
    return _stock("flask", "FlaskInstrumentor", "instrument_app", app, **options)


def fastapi(app: Any, **options: Any) -> bool:
    """Trace each request of a FastAPI application; otherwise like ``flask``."""
    return _stock("fastapi", "FastAPIInstrumentor", "instrument_app", app, **options)


def celery(**options: Any) -> bool:
    """Trace the tasks of Celery, as part of the trace that sent them; otherwise like ``flask``.

    Call it where tasks are sent and where they are worked on; workers that fork need nothing else.
    """
    return _stock("celery", "CeleryInstrumentor", "instrument", **options)


def _stock(name: str, kind: str, method: str, *app: Any, **options: Any) -> bool:
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
