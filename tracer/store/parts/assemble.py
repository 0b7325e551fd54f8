"""Assembles many payloads of a project at once; parts that they share become one object.

The database function `assemble_payload` assembles a single payload. The calls of an agent repeat
the same messages: here each message is read and decoded once.
"""

from __future__ import annotations

import secrets
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence

from tracer import exact_json
from tracer.records import Json
from tracer.store.parts.pack import is_packed
from tracer.store.parts.split import HASH_BYTES

Skeleton = Sequence[Json]
"""``[size, text, references, text, …]``, see `tracer.store.parts.split`."""
PartKey = tuple[str, bytes]
"""(trace_id, hash)"""

Fetch = Callable[[list[PartKey], int], Iterable[tuple[str, bytes, str]]]
"""Returns (trace_id, hash, text) of parts, as many as have at most that many bytes together."""

_MISSING = '"[missing]"'


class Assembler:
    """Reads the parts of skeletons, and returns their values."""

    def __init__(self, fetch: Fetch, max_bytes: int) -> None:
        self._fetch = fetch
        self._bytes_left = max_bytes
        self._texts: dict[PartKey, str] = {}
        self._values: dict[PartKey, list[Json]] = {}
        self._whole_values: dict[tuple[str, str], Json] = {}
        self._whole_texts: dict[PartKey, str] = {}
        # Marks references among strings that an application sent.
        self._mark = secrets.token_hex(16)

    def load(self, skeletons: Iterable[tuple[str, Skeleton]], max_bytes: int | None = None) -> bool:
        """Read the parts that skeletons of traces, (trace_id, skeleton), refer to.

        False: they are longer than `max_bytes` together; `value` lacks some of them. The limit
        here is that of parts which are not read yet.
        """
        spared = 0 if max_bytes is None else max(self._bytes_left - max_bytes, 0)
        pending = {
            (trace_id, digest) for trace_id, each in skeletons for digest in _references(each)
        }
        while missing := sorted(pending - self._texts.keys()):
            rows = list(self._fetch(missing, self._bytes_left - spared))
            self._texts |= {(trace_id, bytes(digest)): text for trace_id, digest, text in rows}
            self._bytes_left -= sum(len(text.encode()) for _, _, text in rows)
            if len(rows) < len(missing):
                return False
            pending = {
                (trace_id, inner)
                for trace_id, digest in missing
                if _is_skeleton(digest)
                for inner in _references(exact_json.decode(self._texts[trace_id, digest]))
            }
        return True

    @property
    def bytes_left(self) -> int:
        """The rest of `max_bytes` that the parts read so far have not used."""
        return self._bytes_left

    def whole_text(self, trace_id: str, skeleton: Skeleton) -> str:
        """Return the exact JSON text of a skeleton, whose parts are loaded."""
        if is_packed(skeleton):
            return self._packed(trace_id, skeleton)
        return "".join(
            ",".join(self._whole_part((trace_id, digest)) for digest in _digests(str(segment)))
            if number % 2
            else str(segment)
            for number, segment in enumerate(skeleton[1:])
        )

    def _whole_part(self, key: PartKey) -> str:
        whole = self._whole_texts.get(key)
        if whole is None:
            whole = self._texts.get(key, _MISSING)
            if _is_skeleton(key[1]) and key in self._texts:
                whole = self.whole_text(key[0], exact_json.decode(whole))
            self._whole_texts[key] = whole
        return whole

    def value(self, trace_id: str, skeleton: Skeleton) -> Json:
        """Return the value of a skeleton; do not modify it, as other values share its parts."""
        if is_packed(skeleton):
            return exact_json.decode(self._packed(trace_id, skeleton))
        # The calls of an agent have the same tools, and are read beside one of them.
        key = trace_id, self._text(skeleton)
        if key not in self._whole_values:
            self._whole_values[key] = self._resolved(trace_id, exact_json.decode(key[1]))
        return self._whole_values[key]

    def _packed(self, trace_id: str, reference: Skeleton) -> str:
        """Return the piece of a pack that a reference names."""
        length, pack, start = reference
        text = self._texts.get((trace_id, b64decode(str(pack))))
        if text is None:
            return _MISSING
        return text.encode()[int(start) : int(start) + int(length)].decode()

    def _text(self, skeleton: Skeleton) -> str:
        """Return JSON text with marked strings in the places of parts."""
        return "".join(
            ",".join(f'"{self._mark}{digest.hex()}"' for digest in _digests(str(segment)))
            if number % 2
            else str(segment)
            for number, segment in enumerate(skeleton[1:])
        )

    def _resolved(self, trace_id: str, value: Json) -> Json:
        if isinstance(value, str) and value.startswith(self._mark):
            return self._part(trace_id, value)[0]
        if isinstance(value, dict):
            return {name: self._resolved(trace_id, inner) for name, inner in value.items()}
        if not isinstance(value, list):
            return value
        elements: list[Json] = []
        for element in value:
            # A block is several elements.
            if isinstance(element, str) and element.startswith(self._mark):
                elements += self._part(trace_id, element)
            else:
                elements.append(self._resolved(trace_id, element))
        return elements

    def _part(self, trace_id: str, marked: str) -> list[Json]:
        digest = bytes.fromhex(marked.removeprefix(self._mark))
        key = trace_id, digest
        if key not in self._values:
            text = self._texts.get(key, _MISSING)
            if key in self._texts and _is_skeleton(digest):
                text = self._text(exact_json.decode(text))
            elements = self._resolved(trace_id, exact_json.decode(f"[{text}]"))
            self._values[key] = elements if isinstance(elements, list) else []
        return self._values[key]


def _is_skeleton(digest: bytes) -> bool:
    return digest[0] >= 0x80


def _references(skeleton: Skeleton) -> list[bytes]:
    if is_packed(skeleton):
        return [b64decode(str(skeleton[1]))]
    return [digest for segment in skeleton[2::2] for digest in _digests(str(segment))]


def _digests(segment: str) -> list[bytes]:
    hashes = b64decode(segment)
    return [
        hashes[start : start + HASH_BYTES]
        for start in range(0, len(hashes) // HASH_BYTES * HASH_BYTES, HASH_BYTES)
    ]
