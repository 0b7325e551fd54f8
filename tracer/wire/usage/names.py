"""The meaning of names of counts in any spelling, e.g. ``promptTokensDetails.cachedTokens``."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

NOTHING: Final = ""
"""A name of known words that is no count itself, such as ``input_token_details``."""
IGNORED: Final = "ignored"
"""A known name of another quantity than tokens: a duration, requests, characters."""
TIER: Final = "tier"
"""Tokens of a service tier; another name has the same tokens."""

MONEY: Final = "money"
"""Dollars among the counts."""

_SYNONYMS: Final = {
    "input": "input prompt",
    "output": "output completion candidates candidate response generated",
    "total": "total",
    "cache": "cache cached",
    "read": "read hit",
    "write": "write creation created create written store",
    "miss": "miss no non",
    "uncached": "uncached",
    "ephemeral": "ephemeral",
    "5m": "5m",
    "1h": "1h 1hr",
    "reasoning": "reasoning thinking thoughts thought",
    "audio": "audio",
    "image": "image",
    "video": "video",
    "text": "text",
    "document": "document",
    "accepted": "accepted",
    "rejected": "rejected",
    "prediction": "prediction",
    "tool": "tool",
    "use": "use",
    "priority": "priority",
    "flex": "flex",
    "batch": "batch",
    "scale": "scale",
    "": "tokens token count counts details detail usage object metadata modality num number content"
    " billed units used experimental by",
}
_WORDS: Final = {word: means for means, words in _SYNONYMS.items() for word in words.split()}
TIERS: Final = ("priority", "flex", "batch", "scale")
_MEDIA: Final = ("audio", "image", "video", "text", "document")

_PARTS: Final = {
    "cache": "cache_read",
    "cache read": "cache_read",
    "cache write": "cache_write",
    "cache write 5m": "cache_write_5m",
    "cache write 1h": "cache_write_1h",
    "cache miss": "input_rest",
    "uncached": "input_rest",
    "cache 5m": "ephemeral_5m",
    "cache 1h": "ephemeral_1h",
    "ephemeral 5m": "ephemeral_5m",
    "ephemeral 1h": "ephemeral_1h",
    "cache ephemeral 5m": "ephemeral_5m",
    "cache ephemeral 1h": "ephemeral_1h",
    "cache write ephemeral 5m": "ephemeral_5m",
    "cache write ephemeral 1h": "ephemeral_1h",
    "reasoning": "reasoning",
    "accepted prediction": "output_accepted_prediction",
    "rejected prediction": "output_rejected_prediction",
    "tool use": "input_tool_use",
    **{f"cache {kind}": f"cached_{kind}" for kind in _MEDIA},
    **{f"cache read {kind}": f"cached_{kind}" for kind in _MEDIA},
}
_PART_OF: Final = {frozenset(words.split()): part for words, part in _PARTS.items()}

_NO_COUNTS: Final = """
    total_duration load_duration eval_duration prompt_eval_duration
    queue_time prompt_time completion_time total_time
    invocation_latency first_byte_latency
    input_images output_images
    input_videos output_videos input_audio_files output_audio_files
    num_sources_used num_server_side_tools_used is_byok
"""
# Names whose words have another meaning together.
_EXACT: Final = {
    "tokens": "total",
    "eval_count": "output",
    "prompt_eval_count": "input",
    "response_cost": "total",
    **dict.fromkeys(_NO_COUNTS.split(), IGNORED),
}
_OTHER_UNITS: Final = frozenset(["characters", "pixels", "queries", "requests", "seconds"])
_NO_TOKENS: Final = ("server_tool_use", "billed_units_search", "billed_units_class", "iterations")

_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+[a-z]*")
_COST_WORDS: Final = frozenset(["cost", "costs", "price", "usd", "dollars", "estimated"])


@lru_cache(maxsize=4_096)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: ``("cache", "read", "input", "tokens")``."""
    return tuple(word.lower() for word in _WORD.findall(name))


@lru_cache(maxsize=4_096)
def term(name: str) -> str | None:
    """Return the term that a name counts; None: it has a word unknown in names of counts.

    A term is a usage type, ``total``, or an intermediate one: ``input_rest`` (the input without
    cached tokens), ``input_text``, ``cached_audio``, ``ephemeral_5m`` and the like.
    """
    words = words_of(name)
    joined = "_".join(words)
    if joined in _EXACT:
        return _EXACT[joined]
    if joined.startswith(_NO_TOKENS) or (len(words) > 1 and words[-1] in _OTHER_UNITS):
        return IGNORED
    return _meaning(words) if _COST_WORDS.isdisjoint(words) else MONEY


@lru_cache(maxsize=4_096)
def cost_term(name: str) -> str | None:
    """Return the term that a name prices, ``total`` without a part; None: unknown words."""
    words = words_of(name)
    if "_".join(words) in _EXACT:
        return _EXACT["_".join(words)]
    kept = tuple(word for word in words if word not in _COST_WORDS)
    return _meaning(kept) if kept else "total"


def counts(name: str) -> bool:
    """Return whether a name counts tokens, or is an object of such names."""
    if words_of(name)[-1:] in (("details",), ("usage",)):
        return True
    return term(name) not in (None, NOTHING, IGNORED, MONEY)


def costs(name: str) -> bool:
    """Return whether a name below ``…cost.`` prices a known term."""
    return cost_term(name) not in (None, NOTHING, IGNORED, TIER)


def costs_by_name(name: str) -> bool:
    """Return whether a name prices a known term, and has a word for a cost."""
    return not _COST_WORDS.isdisjoint(words_of(name)) and costs(name)


def tier_of(name: str) -> str:
    """Return the service tier in a name of the term TIER."""
    return next(word for word in words_of(name) if word in TIERS)


def usage_type_of(name: str, *, money: bool = False) -> str:
    """Return the usage type of a name; the name itself if it has none."""
    meaning = (cost_term if money else term)(name) or name
    usage_type = _USAGE_TYPES.get(meaning, meaning)
    return name if usage_type in (IGNORED, MONEY, TIER) else usage_type


_USAGE_TYPES: Final = {
    "input_rest": "input",
    "input_text": "input",
    "output_text": "output",
    "ephemeral_5m": "cache_write_5m",
    "ephemeral_1h": "cache_write_1h",
    **{f"cached_{kind}": "cache_read" for kind in _MEDIA},
}
"""The usage types of terms that are none themselves."""


def _meaning(words: tuple[str, ...]) -> str | None:
    known = {_WORDS.get(word) for word in words}
    if None in known or not words or {"input", "output"} <= known:
        return None
    known.discard("")
    tiered, known = not known.isdisjoint(TIERS), known.difference(TIERS)
    # The cached tokens of a tier are counted by no other name, unlike all tokens of the tier.
    if tiered and known <= {"input", "output", "total"}:
        return TIER
    side = next((side for side in ("input", "output") if side in known), None)
    rest = known - {"input", "output"}
    if rest == {"total"}:
        return side or "total"
    rest.discard("total")
    if not rest:
        return side or NOTHING
    if side and len(rest) == 1 and not rest.isdisjoint(_MEDIA):
        return f"{side}_{rest.pop()}"
    return _PART_OF.get(frozenset(word for word in rest if word), NOTHING)
