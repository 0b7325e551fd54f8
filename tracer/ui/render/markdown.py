"""Renders untrusted markdown as safe HTML: the only module that marks HTML as safe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup
from pygments import highlight as pygmentize
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from tracer.ui.render.markdown_rules import add_rules
from tracer.ui.render.media import IMAGE_IN_TEXT, safe_media

MAX_CHARACTERS = 20_000
"""Longer texts are shown unrendered: parsing takes about 2 ms per 1,000 characters."""
_SHOWN_URL = 200

_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote"),
    *("pre", "code", "span", "strong", "em", "s", "a", "img"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ASIDE = "data:image/png;base64,aside"
"""Placeholder of an image while the text around it is rendered; a number follows."""
_ASIDE_NUMBER = re.compile(rf"{_ASIDE}(\d{{1,6}})")
# Only these classes are allowed: with others a text could imitate parts of the page.
_CLASSES = {"span": set(STANDARD_TYPES.values()), "pre": {"code"}, "img": {"picture"}}
_ELSEWHERE = re.compile(r"https?://[^/]|mailto:", re.IGNORECASE)
_INVISIBLE = re.compile(r"[\x00-\x20]")
# A text without any of these renders the same as plain paragraphs.
_SYNTAX = re.compile(r"[*_`#>\[\]|~\\<&]|^[ \t]*(?:[-+=]|\d+[.)])|^ {4}|^\t", re.MULTILINE)
_MOST_BRACKETS = 1_000
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
    has_syntax = text.count("[") <= _MOST_BRACKETS and _SYNTAX.search(text)
    html = _render(text) if has_syntax else _paragraphs(text)
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
    return Markup(_highlight(source, language, ""))  # noqa: S704 - Pygments escapes


def _paragraphs(text: str) -> Markup:
    parts = (escape(part.strip("\n")).replace("\n", "<br>") for part in re.split(r"\n\s*\n", text))
    return Markup("".join(f"<p>{part}</p>" for part in parts if part))  # noqa: S704 - escaped


# Tabs, polls and sessions render the same messages repeatedly.
@lru_cache(maxsize=256)
def _render(text: str) -> Markup:
    clean = nh3.clean(
        _parser.render(text),
        tags=_TAGS,
        attributes={
            "a": {"href", "title"},
            "img": {"src", "alt"},
            "ol": {"start"},
            "th": {"align"},
            "td": {"align"},
            "table": {"tabindex"},
            "pre": {"tabindex"},
        },
        attribute_filter=_allowed,
        allowed_classes=_CLASSES,
        url_schemes={"http", "https", "mailto", "data"},
    )
    return Markup(clean)  # noqa: S704 - nh3 has cleaned it


def _allowed(_tag: str, attribute: str, value: str) -> str | None:
    """Return the value of an attribute, None to drop it: only images may have ``data:`` URLs.

    A relative link would lead into Tracer, whatever its author meant.
    """
    if attribute == "src":
        return value if safe_media(value) == "image" else None
    if attribute == "href":
        # Browsers ignore white space and control characters within a scheme.
        return value if _ELSEWHERE.match(_INVISIBLE.sub("", value)) else None
    return value


def _highlight(source: str, language: str, _attributes: str) -> str:
    # Guessing the language is slow, so only a named language is highlighted.
    if not language or len(source) > MAX_CHARACTERS:
        return escape(source)
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return escape(source)
    return pygmentize(source, lexer, HtmlFormatter(nowrap=True))


def _fence(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Any
) -> str:
    token = tokens[index]
    words = token.info.split(maxsplit=1)
    source = _highlight(token.content, words[0] if words else "", "")
    return f'<pre class="code" tabindex="0">{source}</pre>\n'


def _table(
    _self: RendererHTML, _tokens: Sequence[Token], _index: int, _options: Any, _env: Any
) -> str:
    # A table scrolls, so that it can be focused.
    return '<table tabindex="0">\n'


def _link(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    href = str(token.attrs.get("href", ""))
    if not _ELSEWHERE.match(href):
        token.attrSet("title", f"relative link: {href}")
    return self.renderToken(tokens, index, options, env)


def _image(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Any
) -> str:
    """Render an embedded image; any other as its name, because loading it reveals the visitor."""
    token = tokens[index]
    url = str(token.attrs.get("src", ""))
    if safe_media(url) == "image":
        return f'<img class="picture" src="{escape(url)}" alt="{escape(token.content)}">'
    shown = url if len(url) <= _SHOWN_URL else f"{url[:_SHOWN_URL]}…"
    return escape(f"[image: {token.content}] {shown}" if token.content else f"[image] {shown}")


def _make_parser() -> MarkdownIt:
    # Single line breaks are kept: chat messages rely on them.
    parser = MarkdownIt("js-default", {"html": False, "breaks": True}).enable("table")
    add_rules(parser)
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("code_block", _fence)
    parser.add_render_rule("table_open", _table)
    parser.add_render_rule("link_open", _link)
    # A rule, because with `disable` an image would become a link with a stray "!".
    parser.add_render_rule("image", _image)
    return parser


_parser = _make_parser()
