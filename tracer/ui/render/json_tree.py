"""JSON as a collapsible tree, limited in depth and length; the rest is loaded by links."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from tracer.messages.media import media_part
from tracer.records import Json
from tracer.ui.render import excerpt
from tracer.ui.render.format import text_size
from tracer.ui.render.media import safe_media

_OPEN_DEPTH = 2
_MAX_DEPTH = 5
# Digits of an index in a pointer; Python refuses to read thousands.
_MAX_DIGITS = 18
_MAX_KEYS = 100
_MAX_CHARACTERS = 2_000
# With this limit the size of a page is bounded for any shape of the value.
_MAX_ITEMS = 1_500
_PREVIEW_ITEMS = 3
_MEDIA_CHARACTERS = 40
_BASE64 = "b64_json"
"""The field of an image in base64 in responses of OpenAI's APIs."""


@dataclass(slots=True)
class Item:
    """One line: a scalar (``text``), or a container with its ``items``.

    ``pointer`` (RFC 6901) addresses the rest: of a cut text, of a container that is not shown, or
    of the ``remaining`` items after the shown ones.
    """

    key: str | None
    pointer: str
    css: str = ""
    text: str = ""
    brackets: str = ""
    preview: str = ""
    size: int = 0
    open: bool = False
    items: list[Item] = field(default_factory=list)
    remaining: int = 0
    full_size: str = ""
    """The size of the whole text, if ``text`` is its beginning."""
    digest: str = ""
    """Finds a text within a derived value, whose pointer is that of its source."""
    image: str = ""
    """The ``data:`` URL of a text that contains an image."""
    audio: str = ""


@dataclass(slots=True)
class _Budget:
    items: int = _MAX_ITEMS
    derived: bool = False
    """The value was derived from the one at the pointer, so that its parts have no pointers."""


def view(value: Json, pointer: str, start: int = 0) -> Item:
    """Return ``value``, which is at ``pointer``, as lines; a container's from item ``start`` on."""
    return _item(None, value, pointer, 0, _Budget(), start, whole=True)


def view_part(value: Json, pointer: str) -> Item:
    """Return ``value``, which was derived from the value at ``pointer``, as lines."""
    return _item(None, value, pointer, 0, _Budget(derived=True))


def resolve(document: Json, pointer: str) -> Json:
    """Return the value at ``pointer`` in ``document``; raises LookupError if there is none."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list):
            # int("-1") would be the last item.
            if not key.isdecimal() or len(key) > _MAX_DIGITS:
                raise LookupError(pointer)
            document = document[int(key)]
        elif isinstance(document, dict):
            document = document[key]
        else:
            raise LookupError(pointer)
    return document


def _item(
    key: str | None,
    value: Json,
    pointer: str,
    depth: int,
    budget: _Budget,
    start: int = 0,
    *,
    whole: bool = False,
) -> Item:
    budget.items -= 1
    if isinstance(value, dict | list):
        return _container(key, value, pointer, depth, budget, start)
    if isinstance(value, str) and (media := _media(key, value)):
        return _media_item(key, pointer, value, media)
    css, text = _scalar(value)
    item = Item(key, pointer, css, excerpt.separated(text))
    if len(text) > _MAX_CHARACTERS and not whole:
        item.text, item.full_size = text[:_MAX_CHARACTERS] + "…", text_size(str(value))
        item.digest = excerpt.digest(str(value)) if budget.derived else ""
    return item


def _media(key: str | None, value: str) -> str | None:
    """Return the ``data:`` URL of the image or audio in a text, None if there is none."""
    url = media_part({_BASE64: value}, "image").url if key == _BASE64 else value
    return url if safe_media(url) else None


def _media_item(key: str | None, pointer: str, value: str, url: str) -> Item:
    text = f'"{value[:_MEDIA_CHARACTERS]}…"'
    item = Item(key, pointer, "s2", text, full_size=text_size(value))
    setattr(item, safe_media(url) or "image", url)
    return item


def _container(
    key: str | None,
    value: dict[str, Any] | list[Any],
    pointer: str,
    depth: int,
    budget: _Budget,
    start: int,
) -> Item:
    brackets, size = ("{}" if isinstance(value, dict) else "[]"), len(value)
    start = min(start, size)
    item = Item(key, pointer, brackets=brackets, size=size, open=depth < _OPEN_DEPTH)
    item.preview = _preview(value) if key is not None else ""
    # Only items that are shown are visited, so a huge value costs no more than a small one.
    if depth < _MAX_DEPTH and budget.items > 0:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in islice(pairs, start, start + _MAX_KEYS):
            # A derived value has no pointer of its own: its links lead to its source.
            path = pointer if budget.derived else f"{pointer}/{_escape(str(name))}"
            item.items.append(_item(str(name), inner, path, depth + 1, budget))
        item.remaining = size - start - len(item.items)
    else:
        item.open, item.remaining = False, size
    return item


def _preview(value: dict[str, Any] | list[Any]) -> str:
    """Return the beginning of a container on one line, which is shown while it is closed."""
    pairs = value.items() if isinstance(value, dict) else (("", inner) for inner in value)
    words = []
    for name, inner in islice(pairs, _PREVIEW_ITEMS):
        nested = isinstance(inner, dict | list)
        text = ("{…}" if isinstance(inner, dict) else "[…]") if nested else _scalar(inner)[1]
        words.append(f"{name}: {text[:40]}" if name else text[:40])
    return ", ".join(words)[:100] + (", …" if len(value) > _PREVIEW_ITEMS else "")


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _scalar(value: Json) -> tuple[str, str]:
    if isinstance(value, str):
        # Escapes are shown in short texts only: they make a paragraph hard to read.
        return "s2", msgspec.json.encode(value).decode() if len(value) < 200 else f'"{value}"'
    if value is None or isinstance(value, bool):
        return "kc", {None: "null", True: "true", False: "false"}[value]
    return "mi", str(value)
