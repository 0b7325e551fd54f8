"""The provider's own counts in the metadata that the AI SDK sends beside its counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from tracer.records import INPUT_PREFIXES, OUTPUT_PREFIXES, Json, token_sums
from tracer.wire.usage.names import term
from tracer.wire.usage.numbers import count, leaves
from tracer.wire.usage.reading import Usage, cost_within, read_usage
from tracer.wire.usage.shapes import CACHE_BESIDE, INSIDE

_SIDES: Final = {"input": (*INPUT_PREFIXES, "ephemeral"), "output": OUTPUT_PREFIXES}
"""Prefixes of the terms of each side."""
_OBJECTS: Final = ("usage", "usageMetadata")
_EXCLUSIVE: Final = ("anthropic", "bedrock")
_INCLUSIVE: Final = ("openai", "gemini", "mistral", "deepseek", "groq", "xai", "x_ai")


def read_with_metadata(
    counts: Mapping[str, Json], reports: Iterable[dict[str, Json]], *, exclusive: bool
) -> Usage:
    """Return usage from the SDK's ``counts``, or from the provider's report of the same call.

    ``reports`` hold counts by name, from `reported`; ``exclusive``: the SDK may have sent this
    provider's input without cached tokens.
    """
    sent = dict(counts)
    for report in reports:
        silent = tuple(side for side in _SIDES if _first(report, side) is None)
        if len(silent) == len(_SIDES):
            sent = {**report, **sent}
        elif _agree(counts, report):
            # The SDK's total may be its own sum, so it is replaced together with the counts.
            return read_usage({**_of_sides(counts, silent), **report})
    if not exclusive or any(term(name) == "input_rest" for name in sent):
        return read_usage(sent, INSIDE)
    return read_usage(_without_own_sum(sent), CACHE_BESIDE)


def reported(metadata: Json) -> list[dict[str, Json]] | None:
    """Return the counts of each provider in the metadata; None: there are none."""
    objects = metadata.values() if isinstance(metadata, dict) else ()
    reports = [
        counts for entry in objects if isinstance(entry, dict) and (counts := _counts(entry))
    ]
    return reports or None


def exclusive(provider: Json) -> bool | None:
    """Return True for a provider whose input excluded cached tokens before version 6 of the SDK."""
    named = isinstance(provider, str) and any(word in provider for word in _EXCLUSIVE)
    return named or None


def inclusive(provider: Json) -> bool | None:
    """Return True for a provider whose input always includes cached tokens."""
    named = isinstance(provider, str) and any(word in provider.lower() for word in _INCLUSIVE)
    return named or None


def excludes(metadata: Json) -> bool | None:
    """Return True if the metadata is of such a provider."""
    return any(map(exclusive, metadata)) or None if isinstance(metadata, dict) else None


def metadata_cost(metadata: Json) -> dict[str, Decimal] | None:
    """Return the dollars in the metadata of a provider or a reseller."""
    entries = metadata.values() if isinstance(metadata, dict) else ()
    objects = [item for entry in entries if isinstance(entry, dict) for item in _with_usage(entry)]
    return next((cost for item in objects if (cost := cost_within(item))), None)


def _with_usage(entry: dict[str, Json]) -> list[dict[str, Json]]:
    """Return the objects of a provider that may have counts or dollars, the inner ones first."""
    return [*(entry[name] for name in _OBJECTS if isinstance(entry.get(name), dict)), entry]


def _counts(entry: dict[str, Json]) -> dict[str, Json]:
    usage = _with_usage(entry)[0]
    values = entry if usage is entry else leaves(usage)
    return {name: value for name, value in values.items() if term(name)}


def _of_sides(counts: Mapping[str, Json], sides: tuple[str, ...]) -> dict[str, Json]:
    begin = tuple(word for side in sides for word in _SIDES[side])
    return {name: value for name, value in counts.items() if (term(name) or "").startswith(begin)}


def _agree(counts: Mapping[str, Json], report: Mapping[str, Json]) -> bool:
    """Return whether the SDK's counts are of the report's call, and not a sum of several calls."""
    by_type = read_usage(report).by_type
    sums = dict(zip(_SIDES, token_sums(by_type), strict=False))
    return all(
        _first(counts, side) in (None, sums[side], by_type.get(side), _first(report, side))
        for side in _SIDES
        if _first(report, side) is not None
    )


def _without_own_sum(counts: Mapping[str, Json]) -> dict[str, Json]:
    """Return counts without a total that is the SDK's own sum of input and output."""
    input_count, output_count = _first(counts, "input"), _first(counts, "output")
    own_sum = None if input_count is None or output_count is None else input_count + output_count
    return {
        name: value
        for name, value in counts.items()
        if term(name) != "total" or count(value) != own_sum
    }


def _first(counts: Mapping[str, Json], wanted: str) -> int | None:
    return next((count(value) for name, value in counts.items() if term(name) == wanted), None)
