"""Prompts, datasets, media and queues of a project, with the ids that tests of API keys use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from tracer.extensions import db
from tracer.store import schema as tables

IDS = {"name": "n", "item_id": "i", "run": "r", "media_id": "m", "queue_id": "u"}
IDS["dashboard_id"] = "d"
QUERIES = {
    "/api/public/prompts": "/api/public/prompts?name=n",
    "/api/public/dataset-run-items": "/api/public/dataset-run-items?datasetId=d&runName=r",
}
# Only the owning project may change these: the same name in another project is another object.
OWN = (
    "/api/public/v2/prompts/n",
    "/api/public/datasets/n",
    "/api/public/dataset-items",
    "/api/public/dataset-run-items",
    "/api/public/media/m",
    "/api/public/annotation-queues/u",
    "/api/v1/dashboards/d",
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_DIGEST = "A" * 43 + "="
BODIES: dict[str, Any] = {
    "/api/public/v2/prompts": {"name": "n", "prompt": "theirs"},
    "/api/public/prompts": {"name": "n", "prompt": "theirs"},
    "/api/public/v2/prompts/n/versions/1": {"newLabels": ["theirs"]},
    "/api/public/v2/datasets": {"name": "n"},
    "/api/public/datasets": {"name": "n"},
    "/api/public/dataset-items": {"datasetName": "foreign", "id": "i", "input": "theirs"},
    "/api/public/dataset-run-items": {"runName": "r", "datasetItemId": "i", "traceId": "theirs"},
    "/api/public/media": {
        **{"traceId": "t", "field": "input", "contentType": "image/png", "contentLength": 1},
        "sha256Hash": _DIGEST,
    },
    "/api/public/media/m": {"uploadedAt": "2026-01-01T00:00:00Z", "uploadHttpStatus": 200},
    "/api/public/annotation-queues": {"name": "theirs", "scoreConfigIds": ["c"]},
    "/api/public/annotation-queues/u/items": {"objectId": "theirs", "objectType": "TRACE"},
    "/api/public/annotation-queues/u/items/i": {"status": "COMPLETED"},
    "/api/public/annotation-queues/u/assignments": {"userId": "theirs"},
    "/api/v1/dashboards": {"name": "theirs"},
    "/api/v1/dashboards/d": {"name": "theirs"},
    "/api/v1/dashboards/d/clone": {"name": "theirs"},
}


def fill(project_id: str) -> None:
    """Give the project one of each, with the word "ours" in it."""
    _add(tables.prompts, project_id, name="n", last_version=1)
    _add(
        tables.prompt_versions,
        project_id,
        **{"name": "n", "version": 1, "type": "text", "prompt": "ours", "config": {"k": "ours"}},
    )
    _add(tables.prompt_labels, project_id, name="n", label="production", version=1)
    document = {"document": {"name": "ours"}}
    _add(tables.dashboards, project_id, dashboard_id="d", name="ours", **document)
    _add(tables.datasets, project_id, dataset_id="d", name="n", description="ours")
    times = {"valid_from": NOW, "created_at": NOW}
    _add(tables.dataset_items, project_id, item_id="i", dataset_id="d", input="ours", **times)
    _add(
        tables.dataset_runs,
        project_id,
        **{"run_id": "r", "dataset_id": "d", "name": "r", "description": "ours"},
    )
    for run_item, trace_id in (("x", "ours"), ("y", "t")):
        _add(
            tables.dataset_run_items,
            project_id,
            **{"run_id": "r", "run_item_id": run_item, "item_id": "i"},
            linked_trace_id=trace_id,
        )
    _add(
        tables.media,
        project_id,
        **{"media_id": "m", "sha256": _DIGEST, "content_type": "image/ours"},
        **{"content_length": 0, "uploaded_at": NOW},
    )
    _add(tables.queues, project_id, queue_id="u", name="ours")
    _add(
        tables.queue_items,
        project_id,
        **{"queue_id": "u", "item_id": "i", "subject": "trace", "subject_id": "ours"},
    )


def _add(table: sa.Table, project_id: str, **values: Any) -> None:
    db.session.execute(sa.insert(table).values(project_id=project_id, **values))
