"""A Langfuse server, read through its public API: pages, cursors, patience with its limits."""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import IO, Any, Final
from urllib.parse import quote, urlencode

ATTEMPTS: Final = 6
_TIMEOUT_SECONDS: Final = 60.0
_LONGEST_WAIT: Final = 60.0
_BUSY: Final = (429, 500, 502, 503, 504)
_PAGE: Final = 50


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
        self._wait = wait

    def get(self, path: str, **params: object) -> Any:
        """Return what is at a path under /api/public. Raises ImportFailed, NotThere, TooLarge."""
        told = {name: value for name, value in params.items() if value is not None}
        query = f"?{urlencode(told)}" if told else ""
        url = f"{self.host}/api/public/{path}{query}"
        with self._open(urllib.request.Request(url, headers=self._headers)) as answer:
            try:
                return json.loads(answer.read())
            except ValueError:
                raise ImportFailed(f"{url} answered with something that is not JSON") from None

    def numbered(self, path: str, **params: object) -> Iterator[tuple[list[Any], int]]:
        """Yield the pages of a list with how many rows it has in all."""
        page = 1
        while True:
            found = self.get(path, page=page, limit=_PAGE, **params)
            yield found["data"], found["meta"]["totalItems"]
            if page >= found["meta"]["totalPages"]:
                return
            page += 1

    def download(self, url: str) -> IO[bytes]:
        """Open a file that the server names the address of. Raises as `get`."""
        # The address is its own permission, and may be another server's: no key goes there.
        return self._open(urllib.request.Request(url))

    def _open(self, asked: urllib.request.Request) -> IO[bytes]:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                opened: IO[bytes] = urllib.request.urlopen(asked, timeout=_TIMEOUT_SECONDS)
                return opened
            except urllib.error.HTTPError as error:
                self._refused(asked, error, last=attempt == ATTEMPTS)
                pause = _retry_after(error, attempt)
            except (OSError, http.client.HTTPException, ValueError) as error:
                if attempt == ATTEMPTS:
                    reason = getattr(error, "reason", error)
                    raise ImportFailed(f"no answer from {self.host} ({reason})") from error
                pause = float(2**attempt)
            self._wait(min(pause, _LONGEST_WAIT))
        raise AssertionError("the last attempt returns or raises")

    def _refused(
        self, asked: urllib.request.Request, error: urllib.error.HTTPError, *, last: bool
    ) -> None:
        """Raise what a refusal means, unless it is worth another attempt."""
        if error.code == 404:
            raise NotThere(asked.full_url) from None
        if error.code == 413 or error.code == 422:
            raise TooLarge(asked.full_url) from None
        if error.code in (401, 403):
            raise ImportFailed(
                f"{self.host} does not accept these keys: pass those of the project to copy"
            ) from None
        if last or error.code not in _BUSY:
            said = error.read(300).decode(errors="replace")
            raise ImportFailed(f"{asked.full_url} answered {error.code}: {said}") from None


def segment(text: str) -> str:
    """Return a name as one segment of a path."""
    return quote(text, safe="")


def _retry_after(error: urllib.error.HTTPError, attempt: int) -> float:
    after = error.headers.get("Retry-After", "")
    return float(after) if after.isdigit() else float(2**attempt)
