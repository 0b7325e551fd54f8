"""Experiments as Langfuse's SDKs tell them: in attributes of the spans that answer their items."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from tracer.records import Json, SpanRecord
from tracer.wire.json_text import NULL, json_value
from tracer.wire.langfuse.library.bodies import Name

PREFIX: Final = "langfuse.experiment."


def run_id(project_id: str, dataset_id: str, name: str) -> str:
    """Return the id of a dataset's run, as the newest SDKs work it out by themselves."""
    said = ["langfuse-experiment-v1", project_id, dataset_id, name]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]


class ExperimentSaid(msgspec.Struct, kw_only=True):
    """What a span says of the experiment that it belongs to."""

    id: Name
    name: Name
    description: str | None = None
    dataset_id: Name | None = msgspec.field(name="dataset.id", default=None)
    item_id: Name = msgspec.field(name="item.id")
    root: str = msgspec.field(name="item.root_observation_id")


def answered(spans: Sequence[SpanRecord]) -> list[tuple[SpanRecord, ExperimentSaid]]:
    """Return the spans that are the answer to an experiment's item, with what they say of it."""
    found = []
    for span in spans:
        if span.attributes.get(f"{PREFIX}item.root_observation_id") == span.span_id:
            said = _within(span.attributes, PREFIX)
            try:
                found.append((span, msgspec.convert(said, ExperimentSaid)))
            except msgspec.ValidationError:
                continue  # They stay attributes of the span.
    return found


def told(attributes: Mapping[str, Json], name: str) -> Json:
    """Return what attributes tell of an experiment under a name, None where they don't.

    Its SDKs send JSON as text, or the entries of an object one by one.
    """
    whole = attributes.get(PREFIX + name)
    if isinstance(whole, str):
        try:
            return msgspec.json.decode(whole)
        except (msgspec.MsgspecError, RecursionError):
            return whole
    entries = _within(attributes, f"{PREFIX}{name}.")
    return whole or {key: _decoded(value) for key, value in entries.items()} or None


def _decoded(value: Json) -> Json:
    decoded = json_value(value)
    return None if decoded is NULL else decoded


def told_object(attributes: Mapping[str, Json], name: str) -> dict[str, Json] | None:
    """Return likewise an object; anything else becomes one, under ``metadata``."""
    found = told(attributes, name)
    return found if found is None or isinstance(found, dict) else {"metadata": found}


def _within(attributes: Mapping[str, Json], prefix: str) -> dict[str, Json]:
    return {
        key.removeprefix(prefix): value
        for key, value in attributes.items()
        if key.startswith(prefix)
    }
