"""Writes of scores and score configs in Langfuse's format."""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any, Final, Literal

import msgspec
from flask import Blueprint, Response
from msgspec import UNSET, Meta, UnsetType

from tracer.errors import Invalid, ItemError, NotFound, Refused, TooLarge, Unstorable
from tracer.ingestion.langfuse.ingestion import stored_lookups
from tracer.ingestion.writing import json_body, request_context, store
from tracer.records import Batch, Json, ScoreRecord
from tracer.store.database.session import transaction
from tracer.store.scores import configs, scores
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import (
    NO_CONFIG,
    PREFIX,
    PROBLEMS,
    WRITE_PROBLEMS,
    Config,
    Made,
    Message,
    config_answer,
    missing,
    reply,
    set_up,
)
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.bodies import ScoreBody, given
from tracer.wire.langfuse.scores import score_record
from tracer.wire.langfuse.times import read_sent
from tracer.wire.native.requests import MAX_ITEMS
from tracer.wire.reading import read_json, read_storable_json

_BOOLEAN: Final = [{"label": "True", "value": 1.0}, {"label": "False", "value": 0.0}]

bp = Blueprint("langfuse_score_writes", __name__, url_prefix=PREFIX)
set_up(bp)


class CategoryBody(msgspec.Struct, kw_only=True):
    """One value of a categorical score."""

    label: Annotated[str, Meta(min_length=1, max_length=500)]
    value: float


class ConfigChange(msgspec.Struct, kw_only=True, rename="camel"):
    """The fields of a config to change."""

    name: Annotated[str, Meta(min_length=1, max_length=35)] | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET
    min_value: float | UnsetType | None = UNSET
    max_value: float | UnsetType | None = UNSET
    categories: list[CategoryBody] | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


class ConfigBody(ConfigChange, kw_only=True):
    """A new config."""

    name: Annotated[str, Meta(min_length=1, max_length=35)]
    data_type: Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT"]


class ScoreResults(msgspec.Struct, kw_only=True):
    """The result of a list of scores of which some were rejected."""

    accepted: int
    rejected: int
    errors: list[Message]


@bp.post("/scores")
@describe(
    Operation(
        summary="Score a trace, an observation or a session; also a list of scores",
        body=ScoreBody,
        answers={200: Made, 202: Message, 207: ScoreResults},
        problems=WRITE_PROBLEMS,
    )
)
def create_scores() -> Response:
    """Store a score, or a list of scores; valid scores are stored even if others are rejected.

    Answers 200 with the id of a single score; for a list 202, or 207 with errors.
    """
    sent = read_json(json_body())
    if isinstance(sent, list):
        return _create_many(sent)
    record = _record(sent)
    if unstorable := store(Batch(scores=[record])):
        raise Unstorable(unstorable[0].reason)
    return reply(Made(id=record.score_id))


@bp.delete("/scores/<id:score_id>")
@describe(Operation(summary="Delete a score", answers={202: Message}, problems=(*PROBLEMS, 404)))
def delete_score(score_id: str) -> Response:
    """Delete a score."""
    with transaction():
        deleted = scores.delete_score(current_project_id(), score_id)
    if not deleted:
        raise missing("Score", score_id)
    return reply(Message(message="Score deletion request accepted"), 202)


@bp.post("/score-configs")
@describe(
    Operation(
        summary="Add a score config",
        body=ConfigBody,
        answers={200: Config},
        problems=WRITE_PROBLEMS,
    )
)
def create_config() -> Response:
    """Add a score config."""
    body = read_sent(read_storable_json(json_body()), ConfigBody)
    fields = {"data_type": body.data_type.lower(), **_fields(body)}
    _check_data_type(body, fields["data_type"])
    if body.data_type == "BOOLEAN":
        fields["categories"] = _BOOLEAN
    _check_consistent(fields)
    with transaction():
        made = configs.create_config(current_project_id(), **fields)
    return reply(config_answer(made))


@bp.patch("/score-configs/<id:config_id>")
@describe(
    Operation(
        summary="Change a score config",
        body=ConfigChange,
        answers={200: Config},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def update_config(config_id: str) -> Response:
    """Change a score config; existing scores stay unchanged."""
    body = read_sent(read_storable_json(json_body()), ConfigChange)
    config = configs.get_configs(current_project_id(), [config_id]).get(config_id)
    if config is None:
        raise NotFound(NO_CONFIG)
    fields = _fields(body)
    if not fields:
        raise Invalid("expected a field to change, got none")
    _check_data_type(body, config.data_type)
    _check_consistent({name: fields.get(name, getattr(config, name)) for name in _CHECKED})
    with transaction():
        changed = configs.update_config(current_project_id(), config_id, **fields)
    return reply(config_answer(changed or config))


_CHECKED: Final = ("data_type", "min_value", "max_value", "categories")


def _fields(body: ConfigChange) -> dict[str, Any]:
    fields: dict[str, Any] = {
        name: value
        for name in ("name", "min_value", "max_value", "description")
        if (value := getattr(body, name)) is not UNSET
    }
    if body.is_archived is not UNSET:
        fields["archived"] = body.is_archived
    if body.categories is not UNSET:
        fields["categories"] = [msgspec.to_builtins(category) for category in body.categories or []]
    for name in ("name", "description"):
        if isinstance(fields.get(name), str):
            fields[name] = fields[name].replace("\x00", "")
    return fields


def _check_data_type(body: ConfigChange, data_type: str) -> None:
    """Raise Invalid for a field that configs of the data type don't have."""
    if given(body.categories) is not None and data_type != "categorical":
        raise Invalid.of_field("categories", "expected none: only CATEGORICAL has categories")
    if data_type != "numeric":
        for name, bound in (("minValue", body.min_value), ("maxValue", body.max_value)):
            if given(bound) is not None:
                raise Invalid.of_field(name, "expected none: only NUMERIC has bounds")


def _check_consistent(fields: dict[str, Any]) -> None:
    """Raise Invalid where the fields of a config contradict each other."""
    low, high = fields.get("min_value"), fields.get("max_value")
    if low is not None and high is not None and low >= high:
        raise Invalid.of_field("maxValue", f"expected more than minValue, {low}")
    if fields["data_type"] != "categorical":
        return
    categories = fields.get("categories") or []
    for part in ("label", "value"):
        if not categories or len({category[part] for category in categories}) < len(categories):
            raise Invalid.of_field(
                "categories", f"expected categories, each with a {part} of its own"
            )


def _create_many(sent: list[Json]) -> Response:
    if len(sent) > MAX_ITEMS:
        raise TooLarge(f"expected at most {MAX_ITEMS} scores, got {len(sent)}")
    records: list[ScoreRecord] = []
    errors: list[Message] = []
    for index, item in enumerate(sent):
        try:
            records.append(_record(item))
        except Refused as error:
            errors.append(Message(message=f"scores[{index}]: {_first_reason(error.item_errors)}"))
    errors += [
        Message(message=f"score {records[rejected.index].score_id}: {rejected.reason}")
        for rejected in store(Batch(scores=records))
    ]
    if errors:
        accepted = len(sent) - len(errors)
        return reply(ScoreResults(accepted=accepted, rejected=len(errors), errors=errors), 207)
    return reply(Message(message="Accepted"), 202)


def _first_reason(item_errors: list[ItemError]) -> str:
    return f"{item_errors[0].field}: {item_errors[0].reason}" if item_errors else "not a score"


def _check_source(body: ScoreBody) -> None:
    """Raise Invalid for a source that only events of an import may have."""
    source = given(body.source)
    if source == "EVAL":
        raise Invalid.of_field("source", "expected API or ANNOTATION: EVAL is of evaluators")
    is_allowed = given(body.config_id) or given(body.data_type) == "CORRECTION"
    if source == "ANNOTATION" and not is_allowed:
        raise Invalid.of_field("configId", "expected a score config for source ANNOTATION")


def _record(sent: Json) -> ScoreRecord:
    body = read_sent(sent, ScoreBody)
    _check_source(body)
    score_id = given(body.id) or str(uuid.uuid4())
    now = time.time_ns() // 1_000
    return score_record(body, score_id, now, request_context(), stored_lookups().config_of)
