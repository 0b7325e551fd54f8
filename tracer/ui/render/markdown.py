"""Renders untrusted markdown as safe HTML; it and `markdown_html` alone mark HTML as safe."""

from __future__ import annotations

import re
from html import escape

from markupsafe import Markup

from tracer.ui.render.media import IMAGE_IN_TEXT

MAX_CHARACTERS = 20_000
"""Longer texts are shown unrendered: parsing takes about 2 ms per 1,000 characters."""

_ASIDE = "data:image/png;base64,aside"
"""Placeholder of an image while the text around it is rendered; a number follows."""
_ASIDE_NUMBER = re.compile(rf"{_ASIDE}(\d{{1,6}})")
# A text without any of these renders the same as plain paragraphs.
_SYNTAX = re.compile(r"[*_`#>\[\]|~\\<&]|^[ \t]*(?:[-+=]|\d+[.)])|^ {4}|^\t", re.MULTILINE)
_MAX_BRACKETS = 1_000
"""Opening brackets of a rendered text: for each one, the parser reads the rest of its paragraph."""


def markdown(text: str) -> Markup | None:
    """Return ``text`` as sanitised HTML, None if it is longer than ``MAX_CHARACTERS``.

    Embedded images don't count: placeholders replace them while the text is rendered.
    """
    images: list[str] = []
    if "data:image/" in text:
        text = IMAGE_IN_TEXT.sub(lambda match: _put_aside(match[0], images), text)
    if len(text) > MAX_CHARACTERS:
        return None
    has_syntax = text.count("[") <= _MAX_BRACKETS and _SYNTAX.search(text)
    html = _rendered(text) if has_syntax else _paragraphs(text)
    return _put_back(html, images) if images else html


def length_to_render(text: str) -> int:
    """Return how many characters `markdown` parses: images within the text cost nothing."""
    return len(IMAGE_IN_TEXT.sub("", text) if "data:image/" in text else text)


def _put_aside(image: str, images: list[str]) -> str:
    images.append(image)
    return f"{_ASIDE}{len(images) - 1}"


def _put_back(html: Markup, images: list[str]) -> Markup:
    def image(number: re.Match[str]) -> str:
        index = int(number[1])
        return images[index] if index < len(images) else number[0]

    return Markup(_ASIDE_NUMBER.sub(image, html))  # noqa: S704 - IMAGE_IN_TEXT matches no markup


def code(source: str, language: str) -> Markup:
    """Return ``source`` as highlighted HTML without ``<pre>``; only escaped if it can't be."""
    if not language or len(source) > MAX_CHARACTERS:
        # Guessing the language is slow, so only a named language is highlighted.
        return Markup(escape(source))  # noqa: S704 - escaped
    # Loaded by the first text, as below.
    from tracer.ui.render.markdown_html import highlighted

    return highlighted(source, language)


def _rendered(text: str) -> Markup:
    # Loaded by the first text: parser, cleaner and highlighter take 5 MB of each process.
    from tracer.ui.render.markdown_html import rendered

    return rendered(text)


def _paragraphs(text: str) -> Markup:
    parts = (escape(part.strip("\n")).replace("\n", "<br>") for part in re.split(r"\n\s*\n", text))
    return Markup("".join(f"<p>{part}</p>" for part in parts if part))  # noqa: S704 - escaped
