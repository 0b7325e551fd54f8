"""Token counts and costs by type, made disjoint: no token is in two buckets."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeVar

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "input": ("input_tokens", "prompt_tokens", "input", "prompt"),
    "output": ("output_tokens", "completion_tokens", "output", "completion"),
    "total": ("total_tokens", "total"),
    "cache_read": (
        "cache_read.input_tokens",
        "cache_read_input_tokens",
        "cache_read_tokens",
        "details.cache_read_tokens",
        "details.cache_read_input_tokens",
        "prompt_details.cache_read",
        "prompt_details.cache_input",
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "input_token_details.cache_read",
        "input_cached_tokens",
        "input_cache_read",
        "cached_tokens",
        "cache_read",
    ),
    "cache_write": (
        "cache_write.input_tokens",
        "cache_creation.input_tokens",
        "cache_creation_input_tokens",
        "cache_write_tokens",
        "cache_creation_tokens",
        "details.cache_write_tokens",
        "details.cache_creation_input_tokens",
        "prompt_details.cache_write",
        "input_token_details.cache_creation",
        "input_cache_creation",
        "input_cache_write",
        "cache_write",
    ),
    "cache_write_5m": ("input_cache_creation_5m", "cache_write_5m"),
    "cache_write_1h": ("input_cache_creation_1h", "cache_write_1h"),
    "reasoning": (
        "reasoning.output_tokens",
        "completion_details.reasoning",
        "details.reasoning_tokens",
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
        "output_token_details.reasoning",
        "output_reasoning_tokens",
        "output_reasoning",
        "reasoning_tokens",
        "reasoning",
    ),
    "input_audio": (
        "audio.input_tokens",
        "prompt_details.audio",
        "prompt_tokens_details.audio_tokens",
        "input_tokens_details.audio_tokens",
        "input_audio_tokens",
        "input_audio",
    ),
    "output_audio": (
        "audio.output_tokens",
        "completion_details.audio",
        "completion_tokens_details.audio_tokens",
        "output_tokens_details.audio_tokens",
        "output_audio_tokens",
        "output_audio",
    ),
    "input_image": ("image.input_tokens", "input_image_tokens", "input_image"),
    "input_video": ("video.input_tokens", "input_video_tokens", "input_video"),
}
"""Spellings of each bucket as sources have them; an earlier one wins over a later."""

BUCKETS: Final = {alias: bucket for bucket, names in ALIASES.items() for alias in names}

MEDIA: Final = frozenset(("input_audio", "output_audio", "input_image", "input_video"))

WHOLES: Final = {
    "cache_read": "input",
    "cache_write": "input",
    "cache_write_5m": "input",
    "cache_write_1h": "input",
    "input_audio": "input",
    "input_image": "input",
    "input_video": "input",
    "reasoning": "output",
    "output_audio": "output",
}
"""The bucket that an inclusive source counts a bucket's tokens in as well."""

N = TypeVar("N", int, Decimal)


def disjoint(sent: Mapping[str, N], *, inclusive: bool) -> tuple[dict[str, N], bool]:
    """Return the buckets of ``sent``, and whether they say all that ``sent`` said.

    Parts that exceed their whole can't be within it, so the source counts exclusively whatever
    it promises. ``total`` stays only where it is all there is, so that values may be summed.
    """
    found = dict(sent)
    total = found.pop("total", None)
    if inclusive:
        within: dict[str, N] = {}
        for part, number in found.items():
            if whole := WHOLES.get(part):
                within[whole] = within[whole] + number if whole in within else number
        for whole, number in within.items():
            if whole in found and found[whole] >= number:
                found[whole] -= number
    if total is None:
        return found, True
    if not found:
        return {"total": total}, True
    return found, sum(found.values()) == total
