"""The writes of scores and of what they are to look like, as Langfuse's clients send them."""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any, Final, Literal

import msgspec
from flask import Blueprint, Response
from msgspec import UNSET, Meta, UnsetType

from tracer.errors import Invalid, Refusal, Refused, TooLarge, Unstorable
from tracer.ingestion.langfuse.ingestion import stored
from tracer.ingestion.writing import json_body, receipt, store
from tracer.records import Batch, Json, ScoreRecord
from tracer.store.database.session import transaction
from tracer.store.scores import configs, scores
from tracer.store.scores.configs import ScoreConfig
from tracer.web.keys import project_id
from tracer.web.langfuse.routes import (
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
from tracer.wire.native.requests import MAX_ITEMS
from tracer.wire.reading import read_item, read_json

_BOOLEAN: Final = [{"label": "True", "value": 1.0}, {"label": "False", "value": 0.0}]

bp = Blueprint("langfuse_score_writes", __name__, url_prefix=PREFIX)
set_up(bp)


class CategoryBody(msgspec.Struct, kw_only=True):
    """One of the values of a categorical score."""

    label: Annotated[str, Meta(min_length=1, max_length=500)]
    value: float


class ConfigChange(msgspec.Struct, kw_only=True, rename="camel"):
    """What to change of a config."""

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
    """What became of a list of scores of which some were refused."""

    accepted: int
    rejected: int
    errors: list[Message]


@bp.post("/scores")
@describe(
    Operation(
        summary="Score a trace, an observation or a session; a list of scores is taken as well",
        body=ScoreBody,
        answers={200: Made, 202: Message, 207: ScoreResults},
        problems=WRITE_PROBLEMS,
    )
)
def create_scores() -> Response:
    """Store a score, or a list of them; of a list the good ones are stored whatever the others are.

    200 with the id of one; 202 for a list that was taken whole, else 207 with what is wrong.
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
    """Delete a score at once."""
    with transaction():
        deleted = scores.delete_score(project_id(), score_id)
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
    """Add a config."""
    body = read_item(read_json(json_body()), ConfigBody)
    said = {"data_type": body.data_type.lower(), **_said(body)}
    if body.data_type == "BOOLEAN":
        said["categories"] = _BOOLEAN
    _check(said)
    with transaction():
        made = configs.create_config(project_id(), **said)
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
    """Change a config: scores that follow it stay as they are."""
    body = read_item(read_json(json_body()), ConfigChange)
    held = configs.get_configs(project_id(), [config_id]).get(config_id)
    if held is None:
        raise missing("Score config", config_id)
    said = _said(body)
    _check({name: said.get(name, getattr(held, name)) for name in _CHECKED})
    changed: ScoreConfig | None = held
    if said:
        with transaction():
            changed = configs.update_config(project_id(), config_id, **said)
    return reply(config_answer(changed or held))


_CHECKED: Final = ("data_type", "min_value", "max_value", "categories")


def _said(body: ConfigChange) -> dict[str, Any]:
    said: dict[str, Any] = {
        name: value
        for name in ("name", "min_value", "max_value", "description")
        if (value := getattr(body, name)) is not UNSET
    }
    if body.is_archived is not UNSET:
        said["archived"] = body.is_archived
    if body.categories is not UNSET:
        said["categories"] = [msgspec.to_builtins(one) for one in body.categories or []]
    for name in ("name", "description"):
        if isinstance(said.get(name), str):
            said[name] = said[name].replace("\x00", "")
    return said


def _check(said: dict[str, Any]) -> None:
    """Raise Invalid where a config contradicts itself."""
    low, high = said.get("min_value"), said.get("max_value")
    if (low is not None or high is not None) and said["data_type"] != "numeric":
        raise Invalid.of_field("minValue", "expected none: only NUMERIC has bounds")
    if low is not None and high is not None and low > high:
        raise Invalid.of_field("maxValue", f"expected at least minValue, {low}")
    if said["data_type"] != "categorical":
        return
    categories = said.get("categories") or []
    for part in ("label", "value"):
        if not categories or len({one[part] for one in categories}) < len(categories):
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
            errors.append(Message(message=f"scores[{index}]: {_first(error.refusals)}"))
    errors += [
        Message(message=f"score {records[one.index].score_id}: {one.reason}")
        for one in store(Batch(scores=records))
    ]
    if errors:
        accepted = len(sent) - len(errors)
        return reply(ScoreResults(accepted=accepted, rejected=len(errors), errors=errors), 207)
    return reply(Message(message="Accepted"), 202)


def _first(refusals: list[Refusal]) -> str:
    return f"{refusals[0].field}: {refusals[0].reason}" if refusals else "not a score"


def _record(sent: Json) -> ScoreRecord:
    body = read_item(sent, ScoreBody)
    score_id = given(body.id) or str(uuid.uuid4())
    now = time.time_ns() // 1_000
    return score_record(body, score_id, now, receipt(), stored().config_of)
