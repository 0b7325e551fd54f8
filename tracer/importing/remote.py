"""Reads a Langfuse server through its public API: pages, cursors, and waits at rate limits."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from tracer.http_client import TIMEOUT_SECONDS, NoAnswer, RetryingClient
from tracer.importing.targets import may_open, transport_for

_PAGE: Final = 50
_SHOWN_CHARACTERS: Final = 300
_MAX_RESPONSE_BYTES: Final = 256 * 1024 * 1024
_MAX_FILE_BYTES: Final = 1_000_000_000
_MAX_SECONDS: Final = 1_800.0
"""Greatest duration of one response or file."""


class ImportFailed(Exception):
    """The import can't continue; the message is one line with the remedy."""


class RemoteNotFound(LookupError):
    """The server has no such record, or no such route."""


class TooLarge(Exception):
    """The record is too large for one response of the server."""


class Remote:
    """One project of a Langfuse server."""

    def __init__(
        self,
        host: str,
        public_key: str,
        secret_key: str,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.host = host.rstrip("/")
        pair = base64.b64encode(f"{public_key}:{secret_key}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"}
        client = httpx.Client(
            timeout=TIMEOUT_SECONDS,
            follow_redirects=True,
            transport=transport_for(self.host),
            # Called for redirects as well.
            event_hooks={"request": [self._check_address]},
        )
        self._client = RetryingClient(reconnect=True, wait=wait, client=client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **params: object) -> Any:
        """Return the JSON below /api/public. Raises ImportFailed, RemoteNotFound, TooLarge."""
        query = {name: value for name, value in params.items() if value is not None}
        url = f"{self.host}/api/public/{path}"
        with self._open(url, params=query, headers=self._headers) as response:
            body = b"".join(_bounded(response, _MAX_RESPONSE_BYTES))
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                raise ImportFailed(f"{url} returned a response that is not JSON") from None

    def pages(self, path: str, **params: object) -> Iterator[tuple[list[Any], int]]:
        """Yield the pages of a list, each with the total number of rows."""
        page = 1
        while True:
            response = self.get(path, page=page, limit=_PAGE, **params)
            yield response["data"], response["meta"]["totalItems"]
            if page >= response["meta"]["totalPages"]:
                return
            page += 1

    @contextmanager
    def download(self, url: str) -> Iterator[Iterator[bytes]]:
        """Give the chunks of a file at a URL from the server. Raises the errors of `get`."""
        # A pre-signed URL, perhaps on another server: the API key must not be sent to it.
        if not may_open(url, self.host):
            raise RemoteNotFound(
                f"{url[:_SHOWN_CHARACTERS]} is not an address that the import opens"
            )
        with self._open(url) as response:
            yield _bounded(response, _MAX_FILE_BYTES)

    def _check_address(self, request: httpx.Request) -> None:
        """Raise RemoteNotFound before a request to an address that the import may not open."""
        if not may_open(str(request.url), self.host):
            raise RemoteNotFound(f"{request.url} is not an address that the import opens")

    @contextmanager
    def _open(self, url: str, **options: Any) -> Iterator[httpx.Response]:
        try:
            with self._client.stream("GET", url, **options) as response:
                self._raise_for_status(response)
                yield response
        except (NoAnswer, httpx.HTTPError) as error:
            raise ImportFailed(f"no answer from {self.host} ({error})") from error

    def _raise_for_status(self, response: httpx.Response) -> None:
        """Raise the exception for an error status."""
        if response.status_code == 404:
            raise RemoteNotFound(str(response.url))
        if response.status_code in (413, 422):
            raise TooLarge(str(response.url))
        if response.status_code in (401, 403):
            raise ImportFailed(
                f"{self.host} does not accept these keys: pass the keys of the project to import"
            )
        if response.is_error:
            response.read()
            text = response.text[:_SHOWN_CHARACTERS]
            raise ImportFailed(f"{response.url} returned status {response.status_code}: {text}")


def _bounded(response: httpx.Response, limit: int) -> Iterator[bytes]:
    """Yield the body; raises TooLarge or ImportFailed where it is too long or too slow."""
    size, deadline = 0, time.monotonic() + _MAX_SECONDS
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > limit:
            raise TooLarge(str(response.url))
        if time.monotonic() > deadline:
            raise ImportFailed(f"{response.url} takes longer than {_MAX_SECONDS:.0f} s")
        yield chunk


def segment(text: str) -> str:
    """Return text percent-encoded as one segment of a URL path."""
    return quote(text, safe="")
