"""The exceptions of the server in one tree; each API and the pages map it to HTTP in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(kw_only=True, slots=True)
class Refusal:
    """Why one item of a request was not taken: its place, the field, and what was expected."""

    item: str
    """Path of the item, as ``resourceSpans[0].scopeSpans[0].spans[3]`` or ``spans[3]``."""
    field: str
    reason: str

    def __str__(self) -> str:
        # A request that is one item has no path to it.
        return ": ".join(part for part in (self.item, self.field, self.reason) if part)


class TracerError(Exception):
    """Something can't be done as asked; the message is for whoever asked."""


class Refused(TracerError):
    """What was sent can't be taken; ``refusals`` name its items and fields."""

    def __init__(self, message: str, refusals: list[Refusal] | None = None) -> None:
        super().__init__(message)
        self.refusals = refusals or []

    @classmethod
    def of_field(cls, name: str, reason: str) -> Self:
        """Return the error that one field of a request causes; no name: the request itself."""
        refusal = Refusal(item="", field=name, reason=reason)
        return cls(str(refusal), [refusal])


class Invalid(Refused):
    """What was sent can't be understood, or contradicts itself."""


class TooLarge(Refused):
    """What was sent, or what was asked for, is larger than one request may be."""


class UnsupportedMedia(Refused):
    """The body has a content type or an encoding that the route does not read."""


class Unstorable(Refused):
    """What was sent is understood, and can't be stored."""


class Conflict(Refused):
    """What was sent contradicts what is stored already."""


class Unauthorized(TracerError):
    """The request needs a key, or the key that it brought is not valid."""


class Forbidden(TracerError):
    """What is there may be changed by somebody else only."""


class NotFound(TracerError):
    """The project has nothing of that name or id; the message names it."""

    @classmethod
    def of(cls, noun: str, identifier: str) -> Self:
        """Return the error for a thing by what it is, ``trace``, and its id or name."""
        return cls(f"no {noun} {identifier!r}")


class TooSlow(TracerError):
    """The question takes longer than it may."""


class Overloaded(TracerError):
    """More is waiting to be written than the queue may hold: come back in a second."""


class Busy(TracerError):
    """As many long reads as may run at once are running: try again in a few seconds."""


class StoreUnavailable(TracerError):
    """The database can't be reached or can't write: nothing of the request is stored."""


class ProviderError(TracerError):
    """The identity provider can't be reached, or has sent something that can't be trusted."""


class ConfigError(TracerError):
    """A setting that can't be used; the message names it and says what to do."""
