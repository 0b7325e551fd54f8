"""The media that dataset items refer to, with temporary URLs of their contents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.library.media import address, url_expiry
from tracer.store.library import media
from tracer.store.library.datasets import DatasetItem
from tracer.store.library.media import Medium
from tracer.web.answers.traces import Time
from tracer.web.keys import current_project_id
from tracer.wire.langfuse.library.media import MediaReference, media_references

_FIELDS: Final = {"input": "input", "expected_output": "expectedOutput", "metadata": "metadata"}


class ReferredMedium(Answer, kw_only=True):
    """An uploaded medium with a temporary URL for its download."""

    media_id: str
    content_type: str
    content_length: int
    url: str
    url_expiry: Time


class ItemMedia(Answer, kw_only=True):
    """A reference to a medium in a field of an item."""

    field: str
    reference_string: str
    json_path: str
    media: ReferredMedium


def media_in(items: Iterable[DatasetItem]) -> dict[str, Medium]:
    """Return the uploaded media that the items refer to, by id."""
    ids = {reference.media_id for item in items for _, reference in _references(item)}
    return media.list_media(current_project_id(), ids) if ids else {}


def item_media(item: DatasetItem, uploaded: Mapping[str, Medium]) -> list[ItemMedia]:
    """Return the references of an item to uploaded media."""
    return [
        ItemMedia(
            field=field,
            reference_string=reference.text,
            json_path=reference.json_path,
            media=_medium(uploaded[reference.media_id]),
        )
        for field, reference in _references(item)
        if reference.media_id in uploaded
    ]


def _references(item: DatasetItem) -> Iterator[tuple[str, MediaReference]]:
    for name, field in _FIELDS.items():
        for reference in media_references(getattr(item, name)):
            yield field, reference


def _medium(medium: Medium) -> ReferredMedium:
    return ReferredMedium(
        media_id=medium.media_id,
        content_type=medium.content_type,
        content_length=medium.content_length,
        url=address(medium),
        url_expiry=url_expiry(),
    )
