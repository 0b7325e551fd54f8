"""Renders a text with markdown: the parser, the highlighter, and the cleaner of their HTML."""

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
from markupsafe import escape as markup_escape
from pygments import highlight as pygmentize
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

from tracer.ui.render.markdown_rules import add_rules
from tracer.ui.render.media import safe_media

_MAX_URL_LENGTH = 200
_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote"),
    *("pre", "code", "span", "strong", "em", "s", "a", "img"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
# Only these classes are allowed: with others a text could imitate parts of the page.
_CLASSES = {"span": set(STANDARD_TYPES.values()), "pre": {"code"}, "img": {"picture"}}
_EXTERNAL_URL = re.compile(r"https?://[^/]|mailto:", re.IGNORECASE)
_INVISIBLE = re.compile(r"[\x00-\x20]")


# Tabs, polls and sessions render the same messages repeatedly.
@lru_cache(maxsize=256)
def rendered(text: str) -> Markup:
    """Return a text with the syntax of markdown as sanitised HTML."""
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

    A relative link would lead to a page of Tracer, which its author did not mean.
    """
    if attribute == "src":
        return value if safe_media(value) == "image" else None
    if attribute == "href":
        # Browsers ignore white space and control characters within a scheme.
        return value if _EXTERNAL_URL.match(_INVISIBLE.sub("", value)) else None
    return value


def highlighted(source: str, language: str) -> Markup:
    """Return source code as highlighted HTML; only escaped without a known language."""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return markup_escape(source)
    # Pygments escapes.
    return Markup(pygmentize(source, lexer, HtmlFormatter(nowrap=True)))  # noqa: S704


def _fence(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: Any, _env: Any
) -> str:
    token = tokens[index]
    words = token.info.split(maxsplit=1)
    source = highlighted(token.content, words[0] if words else "")
    return f'<pre class="code" tabindex="0">{source}</pre>\n'


def _table(
    _self: RendererHTML, _tokens: Sequence[Token], _index: int, _options: Any, _env: Any
) -> str:
    # A table scrolls, so that it can be focused.
    return '<table tabindex="0">\n'


def _link(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    href = str(token.attrs.get("href", ""))
    if not _EXTERNAL_URL.match(href):
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
    shown = url if len(url) <= _MAX_URL_LENGTH else f"{url[:_MAX_URL_LENGTH]}…"
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
