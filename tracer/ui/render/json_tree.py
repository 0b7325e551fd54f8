"""JSON as a tree that folds: bounded in depth and length, the rest behind a link."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from tracer.messages.media import media_part
from tracer.records import Json
from tracer.ui.render.media import safe_media

_OPEN_DEPTH = 2
_MOST_DEPTH = 5
_MOST_KEYS = 100
_MOST_CHARACTERS = 2_000
# Together the limits bound a page whatever the shape: wide, deep, or both.
_MOST_ITEMS = 1_500
_PEEK_ITEMS = 3
_MEDIA_CHARACTERS = 40
_BASE64 = "b64_json"
"""The name under which OpenAI's APIs answer an image in base64."""


@dataclass(slots=True)
class Item:
    """One line: a scalar (``text``), or a container with its ``items``.

    ``pointer`` (RFC 6901) says where the rest is: of a cut text, of a container that is not
    shown, or of the ``left`` items after those that are.
    """

    key: str | None
    pointer: str
    css: str = ""
    text: str = ""
    brackets: str = ""
    peek: str = ""
    size: int = 0
    open: bool = False
    items: list[Item] = field(default_factory=list)
    left: int = 0
    cut: int = 0
    image: str = ""
    """What a text that holds an image shows, as ``data:``."""
    audio: str = ""


@dataclass(slots=True)
class _Budget:
    items: int = _MOST_ITEMS
    fixed: bool = False


def view(value: Json, pointer: str, start: int = 0) -> Item:
    """Return ``value``, found at ``pointer``, as lines; a container's from its ``start``-th on."""
    return _item(None, value, pointer, 0, _Budget(), start, whole=True)


def view_part(value: Json, pointer: str) -> Item:
    """Return ``value``, made from something in what lies at ``pointer``, as lines."""
    return _item(None, value, pointer, 0, _Budget(fixed=True))


def resolve(document: Json, pointer: str) -> Json:
    """Return what ``pointer`` means in ``document``; raises LookupError where it means nothing."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list):
            # "-1" would silently be the last item.
            if not key.isdecimal():
                raise LookupError(pointer)
            document = document[int(key)]
        elif isinstance(document, dict):
            document = document[key]
        else:
            raise LookupError(pointer)
    return document


def dump(value: Json) -> str:
    """Return indented JSON text; a text as it is."""
    if isinstance(value, str):
        return value
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def parse(text: str) -> Json:
    """Return the object or list that ``text`` spells as JSON, else the text."""
    # Numbers and words are valid JSON too, but read better as text.
    if text[:1] not in ("{", "["):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


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
    cut = 0
    if len(text) > _MOST_CHARACTERS and not whole:
        text, cut = text[:_MOST_CHARACTERS] + "…", len(str(value))
    return Item(key, pointer, css, text, cut=cut)


def _media(key: str | None, value: str) -> str | None:
    """Return the address of an image or audio that a text holds, None: it holds none."""
    url = media_part({_BASE64: value}, "image").url if key == _BASE64 else value
    return url if safe_media(url) else None


def _media_item(key: str | None, pointer: str, value: str, url: str) -> Item:
    item = Item(key, pointer, "s2", f'"{value[:_MEDIA_CHARACTERS]}…"', cut=len(value))
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
    item = Item(key, pointer, brackets=brackets, size=size, open=depth < _OPEN_DEPTH)
    item.peek = _peek(value) if key is not None else ""
    # What is not walked is not shown, so a huge value costs no more than a small one.
    if depth < _MOST_DEPTH and budget.items > 0:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in islice(pairs, start, start + _MOST_KEYS):
            # A rebuilt value has no address of its own: its links lead to where it came from.
            path = pointer if budget.fixed else f"{pointer}/{_escape(str(name))}"
            item.items.append(_item(str(name), inner, path, depth + 1, budget))
        item.left = size - start - len(item.items)
    else:
        item.open, item.left = False, size
    return item


def _peek(value: dict[str, Any] | list[Any]) -> str:
    """Return the beginning of a container on one line, to tell it apart while it is closed."""
    pairs = value.items() if isinstance(value, dict) else (("", inner) for inner in value)
    words = []
    for name, inner in islice(pairs, _PEEK_ITEMS):
        nested = isinstance(inner, dict | list)
        text = ("{…}" if isinstance(inner, dict) else "[…]") if nested else _scalar(inner)[1]
        words.append(f"{name}: {text[:40]}" if name else text[:40])
    return ", ".join(words)[:100] + (", …" if len(value) > _PEEK_ITEMS else "")


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _scalar(value: Json) -> tuple[str, str]:
    if isinstance(value, str):
        # Escapes help in a name, but not in a paragraph.
        return "s2", msgspec.json.encode(value).decode() if len(value) < 200 else f'"{value}"'
    if value is None or isinstance(value, bool):
        return "kc", {None: "null", True: "true", False: "false"}[value]
    return "mi", str(value)
