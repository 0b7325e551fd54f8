"""Reads experiments of Langfuse's SDKs: attributes of the spans that answer their items."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from tracer import exact_json
from tracer.records import Json, SpanRecord
from tracer.wire.json_text import NULL, json_value
from tracer.wire.langfuse.library.bodies import Name

PREFIX: Final = "langfuse.experiment."


def run_id(project_id: str, dataset_id: str, name: str) -> str:
    """Return the id of a dataset's run, as the newest SDKs compute it."""
    key = ["langfuse-experiment-v1", project_id, dataset_id, name]
    return hashlib.sha256(msgspec.json.encode(key)).hexdigest()[:16]


class SentExperiment(msgspec.Struct, kw_only=True):
    """The experiment of a span."""

    id: Name
    name: Name
    description: str | None = None
    dataset_id: Name | None = msgspec.field(name="dataset.id", default=None)
    item_id: Name = msgspec.field(name="item.id")
    root: str = msgspec.field(name="item.root_observation_id")


def answered(spans: Sequence[SpanRecord]) -> list[tuple[SpanRecord, SentExperiment]]:
    """Return the spans that answer an experiment's item, each with its experiment."""
    answers = []
    for span in spans:
        if span.attributes.get(f"{PREFIX}item.root_observation_id") == span.span_id:
            values = _within(span.attributes, PREFIX)
            try:
                answers.append((span, msgspec.convert(values, SentExperiment)))
            except msgspec.ValidationError:
                continue  # The attributes of the span stay.
    return answers


def experiment_value(attributes: Mapping[str, Json], name: str) -> Json:
    """Return a value of an experiment by its name in the attributes; None: there is none.

    The SDKs send JSON as text, or the entries of an object one by one.
    """
    whole = attributes.get(PREFIX + name)
    if isinstance(whole, str):
        try:
            return exact_json.decode(whole)
        except (msgspec.MsgspecError, RecursionError):
            return whole
    entries = _within(attributes, f"{PREFIX}{name}.")
    return whole or {key: _decoded(value) for key, value in entries.items()} or None


def _decoded(value: Json) -> Json:
    decoded = json_value(value)
    return None if decoded is NULL else decoded


def experiment_object(attributes: Mapping[str, Json], name: str) -> dict[str, Json] | None:
    """Return `experiment_value` as an object; another value is wrapped under ``metadata``."""
    value = experiment_value(attributes, name)
    return value if value is None or isinstance(value, dict) else {"metadata": value}


def _within(attributes: Mapping[str, Json], prefix: str) -> dict[str, Json]:
    return {
        key.removeprefix(prefix): value
        for key, value in attributes.items()
        if key.startswith(prefix)
    }
