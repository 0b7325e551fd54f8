"""Requests that change a price or create one from another."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tracer.pricing.price_book import MAX_NOTE_CHARACTERS, PriceDraft, check_note
from tracer.pricing.rates import MAX_CHARACTERS, Name, Rates
from tracer.wire.reading import invalid_field

Note = Annotated[str, Meta(max_length=MAX_NOTE_CHARACTERS)]


class PriceClone(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The fields that differ between the new price and its original; absent: the same."""

    model: Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS)] | UnsetType = UNSET
    rates: Rates | UnsetType = UNSET
    provider: Name | UnsetType | None = UNSET
    start_time: Annotated[
        datetime | UnsetType | None, Meta(extra_json_schema={"format": "date-time"})
    ] = UNSET
    note: Note | UnsetType | None = UNSET

    def of(self, draft: PriceDraft) -> PriceDraft:
        """Return `draft` with the fields that differ. Raises Invalid."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        changed = {name: value for name, value in fields.items() if value is not UNSET}
        try:
            return PriceDraft(**msgspec.structs.asdict(draft) | changed)
        except ValueError as error:
            raise invalid_field(error) from None


class PriceUpdate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The changeable fields of a price: whether it is active, and its note."""

    retired: bool | UnsetType = UNSET
    note: Note | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if self.note is not UNSET:
            check_note(self.note)
