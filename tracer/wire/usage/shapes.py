"""Whose counts these are, by their names: which parts their sender counts beside the wholes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from tracer.wire.usage.evidence import CACHE, GROUPS
from tracer.wire.usage.names import IGNORED, MONEY, TIER, costs, term, words_of
from tracer.wire.usage.plain import Recipe, recipes


class Convention(NamedTuple):
    """How a dialect, an API or an instrumentation counts."""

    beside: frozenset[str] = frozenset()
    """Groups of parts that it counts beside their wholes."""
    normalised: bool = False
    """It brings all counts into this form, though it keeps a provider's names for them."""
    own_names: bool = False
    """Its objects may count types under any name; ``input`` and ``output`` then hold no parts."""


INSIDE: Final = Convention()
"""Wholes hold their parts, as OpenTelemetry and OpenInference have it."""
NORMALISED: Final = Convention(normalised=True)
CACHE_BESIDE: Final = Convention(CACHE)
"""The input holds no cached tokens, as with Anthropic and Bedrock."""
OWN: Final = Convention(own_names=True)
"""What applications hand over: a provider's object, or disjoint types of their own."""


class Layout(NamedTuple):
    """What the names of an object of numbers mean together."""

    terms: tuple[tuple[str, str], ...]
    """Names and their terms; of several names of one term the first is believed."""
    own: tuple[str, ...]
    """Names that no source is known to use, and that count types of the sender's own."""
    tiers: tuple[str, ...]
    unknown: tuple[str, ...]
    """Names that count nothing."""
    beside: frozenset[str]
    firm: frozenset[str]
    """Groups beside their wholes, and groups that must lie within them, as `settle` takes them."""
    plain: tuple[Recipe, ...]
    """How to split the numbers if nothing about them takes weighing."""


_APART: Final = (IGNORED, MONEY, TIER)
# Of names of one meaning OpenTelemetry's current ones come first, then the least nested.
_CURRENT: Final = (
    "cache_read.input_tokens",
    "cache_creation.input_tokens",
    "cache_write.input_tokens",
    "reasoning.output_tokens",
)
_GEMINI: Final = frozenset(("reasoning", "input_tool_use"))
_PLAIN_WHOLES: Final = (("input", "tokens"), ("input", "token", "count"))
_ANTHROPIC: Final = frozenset(
    ("cache", kind, *whole) for kind in ("read", "write", "creation") for whole in _PLAIN_WHOLES
)
"""Names of Anthropic's and Bedrock's for what they count beside the input."""
_SIDES: Final = {
    "input": frozenset(("input", "prompt")),
    "output": frozenset(("output", "completion")),
}


@lru_cache(maxsize=2_000)
def layout(
    names: tuple[str, ...],
    convention: Convention,
    meaning: Callable[[str], str | None] = term,
) -> Layout:
    """Return what ``names`` mean to a sender of this convention; ``meaning`` is that of one."""
    terms = [(name, part) for name in names if (part := meaning(name)) and part not in _APART]
    terms.sort(key=lambda item: (item[0] not in _CURRENT, item[0].count(".")))
    if billed := [item for item in terms if item[0].startswith("billed")]:
        # Cohere reports beside them what its models were given, its own preamble included.
        terms = billed
    own = [name for name in names if _is_own(name, convention, meaning)]
    tiers = [name for name in names if meaning(name) == TIER]
    money = [name for name in names if meaning(name) == MONEY and costs(name)]
    known = {*own, *tiers, *money, *(name for name, _ in terms)}
    unknown = [name for name in names if name not in known]
    beside, firm = _placed(terms, convention)
    plain = () if own or tiers or unknown else recipes(tuple(terms), beside)
    return Layout(tuple(terms), tuple(own), tuple(tiers), tuple(unknown), beside, firm, plain)


def _is_own(name: str, convention: Convention, meaning: Callable[[str], str | None]) -> bool:
    """Return whether a name may count a type of its own: one within a known object is a detail."""
    if not convention.own_names or meaning(name):
        return False
    container, nested, _ = name.rpartition(".")
    return not nested or meaning(container) is None


def _placed(
    terms: list[tuple[str, str]], convention: Convention
) -> tuple[frozenset[str], frozenset[str]]:
    """Return which groups lie beside their wholes, and which must lie within them."""
    if convention.normalised:
        return convention.beside, frozenset()
    names = [name for name, _ in terms]
    if any(_is_geminis(words_of(name)) for name in names):
        return _GEMINI, frozenset()
    wholes = {words_of(name) for name, part in terms if part in ("input", "output")}
    detailed = {side for name in names for side in _detailed(name)}
    apart = any(words_of(name) in _ANTHROPIC for name in names if "." not in name)
    if apart and "input" not in detailed and not wholes.isdisjoint(_PLAIN_WHOLES):
        return CACHE, frozenset()
    if detailed:
        return frozenset(), GROUPS
    if convention.own_names and (not wholes or any(len(words) == 1 for words in wholes)):
        return GROUPS, frozenset()
    return convention.beside, frozenset()


def _is_geminis(words: tuple[str, ...]) -> bool:
    """Return whether this is a name of Gemini's, which counts thoughts beside the candidates."""
    firsts = ("prompt", "candidates", "thoughts", "cached")
    return words[-2:] == ("token", "count") and words[0] in firsts


def _detailed(name: str) -> Iterator[str]:
    """Yield the sides of which a name is a detail as OpenAI has them: ``prompt_tokens_details``."""
    for container in name.split(".")[:-1]:
        words = words_of(container)
        if words[-1:] in (("details",), ("detail",)) and {"token", "tokens"} & {*words}:
            yield from (side for side, of in _SIDES.items() if not of.isdisjoint(words))
