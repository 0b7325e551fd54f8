"""One encoded batch goes out over HTTP, and what became of it comes back."""

from __future__ import annotations

from typing import Final, NamedTuple

import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from tracer import __version__
from tracer.sdk._config import Config
from tracer.sdk._delivery.buffer import Parcel

_PATHS: Final = {"spans": "/v1/traces", "scores": "/api/v1/batch"}
_MEDIA: Final = {"spans": "application/x-protobuf", "scores": "application/json"}
_AGAIN: Final = (408, 429, 500, 502, 503, 504)
_MAX_WAIT: Final = 300.0
_MAX_BROKEN: Final = 5
"""How often a server may fail at a batch, which must not stand in the way for ever."""


class Outcome(NamedTuple):
    """What the server made of a parcel."""

    reason: str = ""
    refused: int = 0
    """How many of the parcel's items were not taken."""
    later: bool = False
    """It was not taken, and may be asked again."""
    wait: float | None = None
    """Seconds the server asked to wait for."""


class Sender:
    """Keeps one connection to the endpoint; used by one thread at a time."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._broken = 0
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"tracer-sdk/{__version__}"
        if config.key:
            self._session.headers["Authorization"] = f"Bearer {config.key}"
        self._session.headers.update(config.headers or {})

    def send(self, parcel: Parcel, timeout: float) -> Outcome:
        """Return what became of ``parcel`` after ``timeout`` seconds at most; never raises."""
        try:
            answer = self._session.post(
                self._config.url(_PATHS[parcel.kind]),
                data=parcel.body,
                headers={"Content-Type": _MEDIA[parcel.kind], "Content-Encoding": "gzip"},
                timeout=timeout,
                # Followed, a redirect would take the key to whoever it names.
                allow_redirects=False,
            )
        except Exception as error:
            # Whatever a broken connection or a wrong server makes requests raise.
            self.close()
            return Outcome(f"{type(error).__name__}: {error}", later=True)
        status = answer.status_code
        self._broken = self._broken + 1 if status == 500 else 0
        if 200 <= status < 300:
            return _refusals(parcel, answer)
        said = f"{status} {answer.reason}: {answer.text[:200]}"
        if status in _AGAIN and self._broken < _MAX_BROKEN:
            wait = _retry_after(answer.headers.get("Retry-After"))
            return Outcome(said, later=True, wait=wait)
        return Outcome(said, parcel.items)

    def close(self) -> None:
        """Drop the connection; the next request makes another."""
        self._session.close()


def _refusals(parcel: Parcel, answer: requests.Response) -> Outcome:
    try:
        if parcel.kind == "scores":
            bad = [item for item in answer.json()["results"] if item["status"] >= 400]
            return Outcome(str(bad[:1])[:300], len(bad))
        partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
        return Outcome(partial.error_message, partial.rejected_spans)
    except Exception:
        # It is acknowledged, whatever else it says.
        return Outcome()


def _retry_after(text: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, as number or as date."""
    try:
        return min(Retry().parse_retry_after(text), _MAX_WAIT) if text else None
    except InvalidHeader:
        return None
