"""Recognises the provider by the names of counts: which parts it counts beside the wholes."""

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
    """Groups of parts that are counted beside their wholes."""
    normalised: bool = False
    """All counts follow this convention, even under a provider's names."""
    own_names: bool = False
    """Objects may have types of any name; ``input`` and ``output`` then include no parts."""


INSIDE: Final = Convention()
"""Wholes include their parts, as in OpenTelemetry and OpenInference."""
NORMALISED: Final = Convention(normalised=True)
CACHE_BESIDE: Final = Convention(CACHE)
"""The input excludes cached tokens, as with Anthropic and Bedrock."""
OWN: Final = Convention(own_names=True)
"""Objects of applications: a provider's, or disjoint types of their own."""


class Layout(NamedTuple):
    """The joint meaning of the names of an object of numbers."""

    terms: tuple[tuple[str, str], ...]
    """Names and their terms; of several names of one term the first is used."""
    own: tuple[str, ...]
    """Names unknown to Tracer, which are types of the sender's own."""
    tiers: tuple[str, ...]
    unknown: tuple[str, ...]
    """Names that count nothing."""
    beside: frozenset[str]
    within: frozenset[str]
    """Groups beside their wholes, and groups certainly within them, as `settle` takes them."""
    plain: tuple[Recipe, ...]
    """Recipes for numbers without contradictions."""


_APART: Final = (IGNORED, MONEY, TIER)
# Of names of one term OpenTelemetry's current ones come first, then the least nested.
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
"""Anthropic's and Bedrock's names of tokens beside the input."""
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
    """Return the meaning of ``names`` under a convention; ``meaning`` gives that of one name."""
    terms = [(name, part) for name in names if (part := meaning(name)) and part not in _APART]
    terms.sort(key=lambda item: (item[0] not in _CURRENT, item[0].count(".")))
    if billed := [item for item in terms if item[0].startswith("billed")]:
        # Cohere also reports the tokens of the whole prompt, including its own preamble.
        terms = billed
    own = [name for name in names if _is_own(name, convention, meaning)]
    tiers = [name for name in names if meaning(name) == TIER]
    money = [name for name in names if meaning(name) == MONEY and costs(name)]
    known = {*own, *tiers, *money, *(name for name, _ in terms)}
    unknown = [name for name in names if name not in known]
    beside, within = _placed(terms, convention)
    plain = () if own or tiers or unknown else recipes(tuple(terms), beside)
    return Layout(tuple(terms), tuple(own), tuple(tiers), tuple(unknown), beside, within, plain)


def _is_own(name: str, convention: Convention, meaning: Callable[[str], str | None]) -> bool:
    """Return whether a name may be a type of its own; a name in a known object is a detail."""
    if not convention.own_names or meaning(name):
        return False
    container, nested, _ = name.rpartition(".")
    return not nested or meaning(container) is None


def _placed(
    terms: list[tuple[str, str]], convention: Convention
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the groups beside their wholes, and those certainly within them."""
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
    """Return whether this is Gemini's name; Gemini counts thoughts beside the candidates."""
    firsts = ("prompt", "candidates", "thoughts", "cached")
    return words[-2:] == ("token", "count") and words[0] in firsts


def _detailed(name: str) -> Iterator[str]:
    """Yield the sides of which a name is a detail in OpenAI's form: ``prompt_tokens_details``."""
    for container in name.split(".")[:-1]:
        words = words_of(container)
        if words[-1:] in (("details",), ("detail",)) and {"token", "tokens"} & {*words}:
            yield from (side for side, of in _SIDES.items() if not of.isdisjoint(words))
