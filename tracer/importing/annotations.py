"""Imports score configs and comments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tracer.errors import NotFound
from tracer.importing.remote import Remote, RemoteNotFound
from tracer.importing.target import Target
from tracer.importing.traces import Progress
from tracer.store.annotations import comments
from tracer.store.annotations.subjects import Author, Subject
from tracer.store.database.session import transaction
from tracer.store.scores import configs
from tracer.store.traces import span_search

_CONFIG: Final = {
    "name": "name",
    "dataType": "data_type",
    "minValue": "min_value",
    "maxValue": "max_value",
    "categories": "categories",
    "description": "description",
    "isArchived": "archived",
}


@dataclass(frozen=True)
class AnnotationCopier:
    """Imports score configs and comments; existing ones are skipped."""

    remote: Remote
    target: Target
    report: Progress

    def copy_configs(self) -> None:
        """Import score configs, which scores refer to. Raises ImportFailed."""
        self._copy("score-configs", "score configs", self._config)

    def copy_comments(self) -> None:
        """Import the comments on traces, observations and sessions. Raises ImportFailed."""
        self._copy("comments", "comments", self._comment)

    def _copy(self, path: str, step: str, store: Callable[[dict[str, Any]], None]) -> None:
        done = 0
        try:
            for rows, total in self.remote.pages(path):
                for row in rows:
                    store(row)
                done += len(rows)
                self.report(step, done, total)
        except RemoteNotFound:
            return  # early servers have none

    def _config(self, row: dict[str, Any]) -> None:
        if configs.get_configs(self.target.project_id, [row["id"]]):
            return
        fields = {field: row.get(name) for name, field in _CONFIG.items()}
        fields |= {"data_type": row["dataType"].lower(), "categories": row.get("categories") or []}
        times = {"created_at": _time(row["createdAt"]), "archived": bool(row.get("isArchived"))}
        with transaction():
            configs.create_config(
                self.target.project_id, **{**fields, **times}, config_id=row["id"]
            )

    def _comment(self, row: dict[str, Any]) -> None:
        if comments.get_comment(self.target.project_id, row["id"]) is not None:
            return
        author = Author(name=row.get("authorUserId") or "")
        try:
            subject = self._subject(row["objectType"], row["objectId"])
            with transaction():
                created_at = _time(row["createdAt"])
                comments.create_comment(subject, row["content"], author, row["id"], created_at)
        except NotFound as error:
            self.target.refused.append(f"comment {row['id']}: {error}")

    def _subject(self, kind: str, object_id: str) -> Subject:
        project_id = self.target.project_id
        if kind == "TRACE":
            return Subject(project_id=project_id, trace_id=object_id)
        if kind == "SESSION":
            return Subject(project_id=project_id, session_id=object_id)
        trace_id = span_search.trace_of(project_id, object_id) if kind == "OBSERVATION" else None
        if trace_id is None:
            raise NotFound.of(kind.lower(), object_id)
        return Subject(project_id=project_id, trace_id=trace_id, span_id=object_id)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
