"""Rules of the markdown parser that keep text unchanged where it is no markdown."""

from __future__ import annotations

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.list import list_block
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.emphasis import tokenize
from markdown_it.rules_inline.escape import escape

# Parsed as escapes. Before any other character a backslash is kept: LaTeX is full of them.
_ESCAPED: Final = "*_`#+-.~>|\n"
_DIGITS: Final = re.compile(r"[0-9]\Z")
_WORD: Final = re.compile(r"[0-9A-Za-z]\Z")
_PARENTHESIS: Final = re.compile(r"\d{1,9}\)")
# A formula ends within 1,000 characters or 100 lines: each unclosed one would read the whole text.
_MATH: Final = re.compile(
    r"\\\(.{1,1000}?\\\)|\\\[.{1,1000}?\\\]|\$\$.{1,1000}?\$\$"
    r"|\$(?=\S)[^$\n]{0,1000}[\\^_{][^$\n]{0,1000}(?<=\S)\$(?!\d)",
    re.DOTALL,
)
_MATH_LINES: Final = 100
_CLOSING: Final = {"$$": "$$", "\\[": "\\]"}


def add_rules(parser: MarkdownIt) -> None:
    """Replace rules that change texts which are no markdown, and add rules for LaTeX."""
    # An entity is shown as written, since answers explain HTML; a link definition would disappear.
    parser.disable(["entity", "reference"])
    parser.inline.ruler.at("emphasis", _emphasis)
    parser.inline.ruler.at("escape", _escape)
    parser.inline.ruler.before("escape", "math", _math)
    parser.block.ruler.at("list", _list, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.block.ruler.before("fence", "math_block", _math_block, {"alt": ["paragraph"]})


def _emphasis(state: StateInline, silent: bool) -> bool:
    """Read ``*`` as emphasis, but not between numbers or letters, as in ``2*3*4``."""
    start = end = state.pos
    if state.src[start] == "*":
        while end < state.posMax and state.src[end] == "*":
            end += 1
        inside = _WORD if end - start == 1 else _DIGITS
        if inside.match(state.src[start - 1 : start]) and inside.match(state.src[end : end + 1]):
            if not silent:
                state.pending += state.src[start:end]
            state.pos = end
            return True
    return tokenize(state, silent)


def _escape(state: StateInline, silent: bool) -> bool:
    after = state.src[state.pos + 1 : state.pos + 2]
    return after != "" and after in _ESCAPED and escape(state, silent)


def _math(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "\\$":
        return False
    match = _MATH.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.push("code_inline", "code", 0).content = match[0]
    state.pos = match.end()
    return True


def _math_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read lines from ``$$`` or ``\\[`` to its counterpart as code."""
    first = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]].rstrip()
    closing = _CLOSING.get(first)
    if closing is None or state.is_code_block(start):
        return False
    line, end = start + 1, min(end, start + _MATH_LINES)
    while line < end and state.src[state.bMarks[line] : state.eMarks[line]].strip() != closing:
        line += 1
    if line >= end:
        return False
    if not silent:
        token = state.push("fence", "code", 0)
        token.content = state.getLines(start, line + 1, state.tShift[start], True)
        token.map = [start, line + 1]
        state.line = line + 1
    return True


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read lists, but not numbers with a parenthesis: ``3)`` would become ``3.``."""
    position = state.bMarks[start] + state.tShift[start]
    if _PARENTHESIS.match(state.src, position, state.eMarks[start]):
        return False
    return list_block(state, start, end, silent)
