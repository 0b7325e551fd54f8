"""A Langfuse server, read through its public API: pages, cursors, and waits for its rate limits."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from tracer.http_client import NoAnswer, RetryingClient

_PAGE: Final = 50
_SHOWN_CHARACTERS: Final = 300


class ImportFailed(Exception):
    """The copy can't go on; one line that says what to do."""


class NotThere(LookupError):
    """The server has no such thing, or no such route."""


class TooLarge(Exception):
    """The server has it, and does not give it in one answer."""


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
        self._client = RetryingClient(reconnect=True, wait=wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **params: object) -> Any:
        """Return what is at a path under /api/public. Raises ImportFailed, NotThere, TooLarge."""
        given = {name: value for name, value in params.items() if value is not None}
        url = f"{self.host}/api/public/{path}"
        with self._open(url, params=given, headers=self._headers) as answer:
            answer.read()
            try:
                return answer.json()
            except ValueError:
                raise ImportFailed(f"{url} answered with something that is not JSON") from None

    def numbered(self, path: str, **params: object) -> Iterator[tuple[list[Any], int]]:
        """Yield the pages of a list with how many rows it has in all."""
        page = 1
        while True:
            answer = self.get(path, page=page, limit=_PAGE, **params)
            yield answer["data"], answer["meta"]["totalItems"]
            if page >= answer["meta"]["totalPages"]:
                return
            page += 1

    @contextmanager
    def download(self, url: str) -> Iterator[Iterator[bytes]]:
        """Give the pieces of a file whose address the server gave. Raises as `get`."""
        # The address is its own permission, and may be another server's: no key goes there.
        with self._open(url) as answer:
            yield answer.iter_bytes()

    @contextmanager
    def _open(self, url: str, **more: Any) -> Iterator[httpx.Response]:
        try:
            with self._client.stream("GET", url, **more) as answer:
                self._require(answer)
                yield answer
        except (NoAnswer, httpx.HTTPError) as error:
            raise ImportFailed(f"no answer from {self.host} ({error})") from error

    def _require(self, answer: httpx.Response) -> None:
        """Raise what a refusal means."""
        if answer.status_code == 404:
            raise NotThere(str(answer.url))
        if answer.status_code in (413, 422):
            raise TooLarge(str(answer.url))
        if answer.status_code in (401, 403):
            raise ImportFailed(
                f"{self.host} does not accept these keys: pass those of the project to copy"
            )
        if answer.is_error:
            answer.read()
            text = answer.text[:_SHOWN_CHARACTERS]
            raise ImportFailed(f"{answer.url} answered {answer.status_code}: {text}")


def segment(text: str) -> str:
    """Return a name as one segment of a path."""
    return quote(text, safe="")
