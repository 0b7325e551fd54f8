"""Untrusted markdown to HTML that is safe to show: the only place that marks HTML as safe."""

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

from tracer.ui.render.media import IMAGE_IN_TEXT, safe_media

MOST_CHARACTERS = 20_000
"""Longer texts are shown as they are: parsing takes about 2 ms per 1,000 characters."""
_SHOWN_URL = 200

_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote"),
    *("pre", "code", "span", "strong", "em", "s", "a", "img"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ASIDE = "data:image/png;base64,aside"
"""What stands for an image while the text around it is rendered, and a number."""
_ASIDE_NUMBER = re.compile(rf"{_ASIDE}(\d{{1,6}})")
# Only classes that our style sheet knows: others could borrow the page's own look.
_CLASSES = {"span": set(STANDARD_TYPES.values()), "pre": {"code"}, "img": {"picture"}}
_INVISIBLE = re.compile(r"[\x00-\x20]")
# A text with none of these means the same with and without markdown.
_SYNTAX = re.compile(r"[*_`#>\[\]|~\\<&]|^\s*(?:[-+=]|\d+[.)])|^ {4}|^\t", re.MULTILINE)


def markdown(text: str) -> Markup | None:
    """Return ``text`` as sanitised HTML, or None where it is too long to be worth parsing.

    Images within the text don't count: they are put aside, and back once the rest is rendered.
    """
    images: list[str] = []
    if "data:image/" in text:
        text = IMAGE_IN_TEXT.sub(lambda found: _put_aside(found[0], images), text)
    if len(text) > MOST_CHARACTERS:
        return None
    html = _render(text) if _SYNTAX.search(text) else _paragraphs(text)
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

    return Markup(_ASIDE_NUMBER.sub(image, html))  # IMAGE_IN_TEXT lets nothing pass that is markup


def code(source: str, language: str) -> Markup:
    """Return ``source`` as highlighted HTML without its ``<pre>``; escaped where it can't be."""
    return Markup(_highlight(source, language, ""))  # Pygments escapes


def _paragraphs(text: str) -> Markup:
    parts = (escape(part.strip("\n")).replace("\n", "<br>") for part in re.split(r"\n\s*\n", text))
    return Markup("".join(f"<p>{part}</p>" for part in parts if part))  # each part is escaped


# Tabs, polls and sessions show the same messages again and again.
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
        },
        attribute_filter=_allowed,
        allowed_classes=_CLASSES,
        url_schemes={"http", "https", "mailto", "data"},
    )
    return Markup(clean)  # nh3 has cleaned it


def _allowed(tag: str, attribute: str, value: str) -> str | None:
    """Return an attribute's value, None drops it: only an image may hold data in its address."""
    if attribute == "src":
        return value if safe_media(value) == "image" else None
    # Browsers skip white space and control characters within a scheme.
    is_data = attribute == "href" and _INVISIBLE.sub("", value).lower().startswith("data:")
    return None if is_data else value


def _highlight(source: str, language: str, _attributes: str) -> str:
    # Lexers take longest where they guess, so a language is never guessed.
    if not language or len(source) > MOST_CHARACTERS:
        return escape(source)
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return escape(source)
    return pygmentize(source, lexer, HtmlFormatter(nowrap=True))


def _fence(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    words = token.info.split(maxsplit=1)
    return f'<pre class="code">{_highlight(token.content, words[0] if words else "", "")}</pre>\n'


def _image(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """Show an image that is in the text; name any other: loading it would tell who reads this."""
    token = tokens[index]
    url = str(token.attrs.get("src", ""))
    if safe_media(url) == "image":
        return f'<img class="picture" src="{escape(url)}" alt="{escape(token.content)}">'
    shown = url if len(url) <= _SHOWN_URL else f"{url[:_SHOWN_URL]}…"
    return escape(f"[image: {token.content}] {shown}" if token.content else f"[image] {shown}")


def _make_parser() -> MarkdownIt:
    # Single line breaks count: people and models write chats with them.
    parser = MarkdownIt("js-default", {"html": False, "breaks": True}).enable("table")
    parser.add_render_rule("fence", _fence)
    # A rule and not `disable`: disabled, the image would become a link with a stray "!".
    parser.add_render_rule("image", _image)
    return parser


_parser = _make_parser()
