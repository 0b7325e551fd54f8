"""The exceptions of the server; each API and the pages map them to HTTP statuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(kw_only=True, slots=True)
class ItemError:
    """Why an item of a request was rejected: its path, the field, and what was expected."""

    item: str
    """Path of the item, as ``resourceSpans[0].scopeSpans[0].spans[3]`` or ``spans[3]``."""
    field: str
    reason: str

    def __str__(self) -> str:
        # Where the request is a single item, `item` is empty.
        return ": ".join(part for part in (self.item, self.field, self.reason) if part)


class TracerError(Exception):
    """A request or command fails; the message is for its sender."""


class Refused(TracerError):
    """The request is rejected; ``item_errors`` name its invalid items and fields."""

    def __init__(self, message: str, item_errors: list[ItemError] | None = None) -> None:
        super().__init__(message)
        self.item_errors = item_errors or []

    @classmethod
    def of_field(cls, name: str, reason: str) -> Self:
        """Return the error that one field of a request causes; no name: the request itself."""
        refusal = ItemError(item="", field=name, reason=reason)
        return cls(str(refusal), [refusal])


class Invalid(Refused):
    """The request is malformed, or contradicts itself."""


class TooLarge(Refused):
    """The request, or its response, is larger than allowed."""


class UnsupportedMedia(Refused):
    """The body has a content type or an encoding that the route does not read."""


class Unstorable(Refused):
    """The request is valid, but can't be stored."""


class Conflict(Refused):
    """The request contradicts stored data."""


class Unauthorized(TracerError):
    """The request has no key where one is required, or an invalid one."""


class Forbidden(TracerError):
    """The sender has no right to do this."""


class NotFound(TracerError):
    """The project has no object of this name or id; the message names it."""

    noun: str = ""
    identifier: str = ""

    @classmethod
    def of(cls, noun: str, identifier: str) -> Self:
        """Return the error for an object: a noun such as ``trace``, and its id or name."""
        error = cls(f"no {noun} {identifier!r}")
        error.noun, error.identifier = noun, identifier
        return error


class TooSlow(TracerError):
    """A query takes longer than the statement timeout."""


class Overloaded(TracerError):
    """The write queue is full: retry in a second."""


class Busy(TracerError):
    """The limit of concurrent expensive reads is reached: retry in a few seconds."""


class StoreUnavailable(TracerError):
    """The database can't be reached or can't write: nothing of the request is stored."""


class ProviderError(TracerError):
    """The identity provider can't be reached, or its response is not valid."""


class ConfigError(TracerError):
    """A setting that can't be used; the message names it and the remedy."""
