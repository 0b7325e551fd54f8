"""Imports the media files that imported values refer to."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, Any, Final, cast

from tracer.errors import Invalid
from tracer.importing.events import Event
from tracer.importing.remote import Remote, RemoteNotFound, TooLarge, segment
from tracer.store.database.session import transaction
from tracer.store.library import media
from tracer.store.library.media import MediaUse, Medium

_REFERENCE: Final = re.compile(r"@@@langfuseMedia:[^@]{0,500}?\bid=([A-Za-z0-9_-]{1,100})")
_FIELDS: Final = ("input", "output", "metadata")
_ITEM_FIELDS: Final = ("input", "expectedOutput", "metadata")
_IN_MEMORY: Final = 1024 * 1024


@dataclass
class MediaCopier:
    """Imports each medium once, and records where it is used."""

    remote: Remote
    project_id: str
    copied: int = 0
    missing: list[str] = field(default_factory=list)
    """Ids of media that values refer to and that could not be imported."""

    def copy_for_event(self, event: Event) -> None:
        """Import the media that the values of an event refer to. Raises ImportFailed."""
        body = event["body"]
        span_id = body["id"] if "traceId" in body else ""
        trace_id = body.get("traceId") or body["id"]
        for name in _FIELDS:
            self._copy_each(
                body.get(name), MediaUse(trace_id=trace_id, span_id=span_id, field=name)
            )

    def copy_for_item(self, item: dict[str, Any]) -> None:
        """Import the media that the values of a dataset's item refer to. Raises ImportFailed."""
        for name in _ITEM_FIELDS:
            self._copy_each(item.get(name), MediaUse(trace_id="", span_id="", field=name))

    def _copy_each(self, value: Any, use: MediaUse) -> None:
        if value is not None:
            for media_id in dict.fromkeys(_REFERENCE.findall(json.dumps(value))):
                self._copy(media_id, use)

    def _copy(self, media_id: str, use: MediaUse) -> None:
        stored = media.get_medium(self.project_id, media_id)
        if stored is not None and stored.uploaded_at is not None:
            self._announce(media_id, stored.sha256, stored.content_type, stored.content_length, use)
            return
        try:
            medium = self.remote.get(f"media/{segment(media_id)}")
            with self.remote.download(medium["url"]) as content:
                self._store(media_id, str(medium["contentType"]), content, use)
        except (RemoteNotFound, TooLarge):
            self.missing.append(media_id)

    def _store(
        self, media_id: str, content_type: str, content: Iterable[bytes], use: MediaUse
    ) -> None:
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
            digest, length = hashlib.sha256(), 0
            for chunk in content:
                digest.update(chunk)
                length += len(chunk)
                spool.write(chunk)
            spool.seek(0)
            sha256 = base64.b64encode(digest.digest()).decode()
            medium = self._announce(media_id, sha256, content_type, length, use)
            if medium is None:
                # The trace was deleted in Tracer: its events are rejected as well.
                return
            try:
                with transaction():
                    media.upload(self.project_id, medium, cast(IO[bytes], spool))
            except Invalid:
                # Another client announced this id with another content, which is kept.
                self.missing.append(media_id)
            else:
                self.copied += 1

    def _announce(
        self, media_id: str, sha256: str, content_type: str, length: int, use: MediaUse
    ) -> Medium | None:
        with transaction():
            return media.announce(self.project_id, media_id, sha256, content_type, length, use)
