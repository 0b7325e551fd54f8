"""An HTTP client that waits and retries while a server is busy or does not respond."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

ATTEMPTS: Final = 6
TIMEOUT_SECONDS: Final = 60.0
_MAX_WAIT_SECONDS: Final = 60.0
# Temporary statuses: too many requests, server errors, and those of gateways.
_BUSY: Final = frozenset({429, 500, 502, 503, 504})


class NoAnswer(Exception):
    """No server answered at the address, in any attempt; the message gives the reason."""


class RetryingClient:
    """Sends requests to one server; a request must be safe to repeat.

    ``reconnect``: retry failed connections, too, not only responses of a busy server. ``wait`` is
    called with the seconds to wait. ``client`` (None: a new one) is for tests and for
    special transports; its base URL, headers and limits apply.
    """

    def __init__(
        self,
        base_url: str = "",
        headers: dict[str, str] | None = None,
        *,
        reconnect: bool = False,
        wait: Callable[[float], None] = time.sleep,
        client: httpx.Client | None = None,
    ) -> None:
        self._client = client or httpx.Client(
            base_url=base_url, timeout=TIMEOUT_SECONDS, follow_redirects=True
        )
        self._client.headers.update(headers or {})
        self._reconnect = reconnect
        self._wait = wait

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Return the response with its whole body, whatever its status. Raises NoAnswer."""
        with self.stream(method, url, **options) as response:
            response.read()
            return response

    @contextmanager
    def stream(self, method: str, url: str, **options: Any) -> Iterator[httpx.Response]:
        """Give the response with its body unread; after the last attempt, whatever its status is.

        Raises NoAnswer.
        """
        response = self._answer(method, url, options)
        try:
            yield response
        finally:
            response.close()

    def _answer(self, method: str, url: str, options: dict[str, Any]) -> httpx.Response:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                request = self._client.build_request(method, url, **options)
                response = self._client.send(request, stream=True)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                can_retry = self._reconnect and isinstance(error, httpx.TransportError)
                if attempt == ATTEMPTS or not can_retry:
                    raise NoAnswer(str(error) or type(error).__name__) from error
                self._pause(float(2**attempt))
                continue
            if response.status_code not in _BUSY or attempt == ATTEMPTS:
                return response
            response.close()
            self._pause(_seconds(response.headers.get("Retry-After", ""), float(2**attempt)))
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, seconds: float) -> None:
        self._wait(min(seconds, _MAX_WAIT_SECONDS))


def _seconds(retry_after: str, default: float) -> float:
    return float(retry_after) if retry_after.isdecimal() else default
