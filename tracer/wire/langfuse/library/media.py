"""Bodies of media uploads, and the references to media within values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from tracer.records import Json
from tracer.wire.langfuse.library.bodies import Name, Sent
from tracer.wire.native.requests import Time

MAX_MEDIA_BYTES: Final = 1_000_000_000
"""Largest announced medium, as at Langfuse."""

CONTENT_TYPES: Final = frozenset(
    f"{group}/{name}"
    for group, names in {
        "image": "png jpeg jpg webp gif svg+xml tiff bmp avif heic",
        "audio": "mpeg mp3 wav ogg oga aac mp4 flac opus webm",
        "video": "mp4 webm ogg mpeg quicktime x-msvideo x-matroska",
        "text": "plain html css csv markdown x-python x-typescript",
        "application": (
            "javascript x-yaml pdf msword vnd.ms-excel zip json xml octet-stream rtf x-ndjson"
            " vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            " vnd.openxmlformats-officedocument.wordprocessingml.document"
            " vnd.openxmlformats-officedocument.presentationml.presentation"
            " vnd.apache.parquet gzip x-tar x-7z-compressed"
        ),
    }.items()
    for name in names.split()
)
"""The types of media that Langfuse's clients send."""

_REFERENCE: Final = re.compile(r"@@@langfuseMedia:type=[^|@]*\|id=([^|@]+)\|source=[^|@]+@@@")


class MediaBody(Sent, kw_only=True):
    """A file that is about to be uploaded."""

    content_type: Annotated[
        str, Meta(min_length=3, max_length=200, description="one of Langfuse's types")
    ]
    content_length: Annotated[int, Meta(ge=0, le=MAX_MEDIA_BYTES)]
    sha256_hash: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{43}=$", description="base64")] = (
        msgspec.field(name="sha256Hash")
    )
    field: Annotated[str, Meta(min_length=1, max_length=100)]
    trace_id: Name | None = None
    observation_id: Name | None = None
    dataset_id: Name | None = None
    dataset_item_id: Name | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        essence = self.content_type.partition(";")[0].strip().lower()
        # It becomes a header of the download.
        fits_header = self.content_type.isascii() and self.content_type.isprintable()
        if essence not in CONTENT_TYPES or not fits_header:
            raise ValueError(
                f"contentType: expected a type of media, got {self.content_type!r:.80}"
            )


class MediaReport(Sent, kw_only=True):
    """The outcome of an upload as the client saw it."""

    uploaded_at: Time
    upload_http_status: int
    upload_http_error: str | None = None
    upload_time_ms: int | None = None


class MediaReference(NamedTuple):
    """A reference to a medium in a value."""

    media_id: str
    text: str
    json_path: str


def media_references(value: Json) -> Iterator[MediaReference]:
    """Yield the texts of a JSON value that are a reference, with the JSONPath of each.

    A reference within a longer text is no more than text.
    """
    pending: list[tuple[Json, str]] = [(value, "$")]
    while pending:
        part, path = pending.pop()
        if isinstance(part, str):
            match = _REFERENCE.fullmatch(part)
            if match is not None:
                yield MediaReference(match[1], part, path)
        elif isinstance(part, dict):
            pending += [(item, f"{path}[{_step(key)}]") for key, item in part.items()]
        elif isinstance(part, list):
            pending += [(item, f"{path}[{index}]") for index, item in enumerate(part)]


def _step(key: str) -> str:
    """Return a key as Langfuse's clients read it: digits as an index, else in quotes unescaped."""
    return key if key.isascii() and key.isdigit() else f"'{key}'"
