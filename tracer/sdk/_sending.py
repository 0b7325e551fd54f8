"""One encoded batch goes out over HTTP, and what became of it comes back."""

from __future__ import annotations

import email.utils
import os
import time
from importlib import import_module
from threading import Lock
from typing import Any, Final, Literal, NamedTuple

from tracer.sdk._config import Config

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_AGAIN: Final = frozenset((408, 429, 502, 503, 504))
_MAX_WAIT: Final = 300.0


_importing: Final = Lock()
if hasattr(os, "register_at_fork"):
    # A child that is forked in the middle of an import could never do it itself: its lock stays
    # taken, by a thread that is not there.
    os.register_at_fork(
        before=_importing.acquire,
        after_in_parent=_importing.release,
        after_in_child=_importing.release,
    )


def library(name: str) -> Any:
    """Return a module that is imported only once something is sent, since that takes its time."""
    with _importing:
        return import_module(name)


class Parcel(NamedTuple):
    """A request's body, compressed, and how much is in it."""

    path: str
    media: str
    body: bytes
    items: int
    """Spans, or scores."""
    tries: int = 0


class Outcome(NamedTuple):
    """What the server made of a parcel."""

    verdict: Literal["taken", "refused", "later"]
    reason: str = ""
    refused: int = 0
    """How many of the parcel's items were not taken."""
    wait: float | None = None
    """Seconds the server asked to wait for."""


class Sender:
    """Keeps one connection to the endpoint; used by one thread at a time."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._session: Any = None

    def send(self, parcel: Parcel, timeout: float) -> Outcome:
        """Return what became of ``parcel`` after ``timeout`` seconds at most; never raises."""
        if self._session is None:
            self._session = library("requests").Session()
            self._session.headers.update(self._headers())
        headers = {"Content-Type": parcel.media, "Content-Encoding": "gzip"}
        url = self._config.url(parcel.path)
        if parcel.path == "/v1/traces" and self._config.endpoint.endswith(parcel.path):
            url = self._config.endpoint
        try:
            # Followed, a redirect would take the key to whoever it names.
            answer = self._session.post(
                url, data=parcel.body, headers=headers, timeout=timeout, allow_redirects=False
            )
        except Exception as error:
            # Whatever a broken connection or a wrong server makes requests raise.
            self.close()
            return Outcome("later", f"{type(error).__name__}: {error}")
        return _read(parcel, answer)

    def close(self) -> None:
        """Drop the connection."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _headers(self) -> dict[str, str]:
        from tracer import __version__

        headers = {"User-Agent": f"tracer-sdk/{__version__}"}
        if self._config.key:
            headers["Authorization"] = f"Bearer {self._config.key}"
        return {**headers, **self._config.headers}


def _read(parcel: Parcel, answer: Any) -> Outcome:
    status = int(answer.status_code)
    if 200 <= status < 300:
        try:
            reason, refused = _refusals(parcel, answer)
        except Exception:
            # It is acknowledged, whatever else it says.
            return Outcome("taken")
        return Outcome("taken", reason, refused)
    said = f"{status} {answer.reason}: {answer.text[:200]}"
    # A 500 may be about just this batch, which must not stand in the way for ever.
    if status in _AGAIN or (status == 500 and parcel.tries < 4):
        return Outcome("later", said, wait=_retry_after(answer.headers.get("Retry-After")))
    return Outcome("refused", said, parcel.items)


def _refusals(parcel: Parcel, answer: Any) -> tuple[str, int]:
    if parcel.media == JSON:
        bad = [item for item in answer.json()["results"] if item["status"] >= 400]
        return (str(bad[0])[:300] if bad else ""), len(bad)
    if not answer.content:
        return "", 0
    messages = library("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    partial = messages.ExportTraceServiceResponse.FromString(answer.content).partial_success
    return partial.error_message, partial.rejected_spans


def _retry_after(text: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, as number or as date."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    # NaN is the one number that is not itself.
    return min(max(seconds, 0.0), _MAX_WAIT) if seconds == seconds else None
