"""Reads bodies, and reports invalid fields by the client's names."""

from __future__ import annotations

from typing import TypeVar

from tracer.errors import Refused
from tracer.records import Json
from tracer.wire.langfuse.bodies import Body
from tracer.wire.langfuse.times import read_sent

B = TypeVar("B", bound=Body)


def read_body(value: Json, kind: type[B]) -> B:
    """Return the body of an event as a ``kind``. Raises Invalid with ``body.<field>``."""
    try:
        return read_sent(value, kind)
    except Refused as error:
        within_body(error)
        raise


def within_body(error: Refused) -> None:
    """Return the error of a body's field as an error of the event."""
    for refusal in error.item_errors:
        refusal.field = f"body.{refusal.field}".rstrip(".")
