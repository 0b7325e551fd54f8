"""Imports prompts with their versions and labels, and datasets with their items and runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tracer.importing.media import MediaCopier
from tracer.importing.remote import Remote, RemoteNotFound, segment
from tracer.importing.traces import Progress
from tracer.store.database.session import transaction
from tracer.store.library import dataset_runs, datasets, prompts
from tracer.store.library.dataset_runs import DatasetRun
from tracer.store.library.datasets import Dataset
from tracer.store.library.prompts import LATEST, PromptDraft

_DATASET_FIELDS: Final = {
    "description": "description",
    "metadata": "metadata",
    "inputSchema": "input_schema",
    "expectedOutputSchema": "expected_output_schema",
}


@dataclass(frozen=True)
class LibraryCopier:
    """Imports prompts and datasets; unchanged records are not written again."""

    remote: Remote
    project_id: str
    media: MediaCopier
    report: Progress

    def copy(self) -> None:
        """Import prompts, then datasets. Raises ImportFailed."""
        for done, (row, total) in enumerate(self._rows("v2/prompts"), 1):
            self._prompt(row)
            self.report("prompts", done, total)
        for done, (row, total) in enumerate(self._rows("v2/datasets"), 1):
            self._dataset(row)
            self.report("datasets", done, total)

    def _rows(self, path: str, **params: object) -> Iterator[tuple[dict[str, Any], int]]:
        for rows, total in self.remote.pages(path, **params):
            for row in rows:
                yield row, total

    def _prompt(self, row: dict[str, Any]) -> None:
        name = row["name"]
        for version in sorted(row["versions"]):
            path = f"v2/prompts/{segment(name)}"
            try:
                # Unresolved: the prompts that it refers to are imported as well.
                source = self.remote.get(path, version=version, resolve="false")
            except RemoteNotFound:
                continue  # deleted since the list was made
            stored = prompts.get_version(self.project_id, name, version=version)
            labels, later_labels = _split_at_latest(source["labels"])
            if stored is None:
                draft = PromptDraft(
                    name=name,
                    type=source["type"],
                    prompt=source["prompt"],
                    config=source["config"],
                    labels=labels,
                    tags=source["tags"],
                    commit_message=source.get("commitMessage"),
                )
                with transaction():
                    prompts.create_version(self.project_id, draft, version=version)
                    prompts.label_version(self.project_id, name, version, later_labels)
            elif {*labels, *later_labels} - set(stored.labels):
                with transaction():
                    prompts.label_version(self.project_id, name, version, [*labels, *later_labels])

    def _dataset(self, row: dict[str, Any]) -> None:
        fields = {field: row[key] for key, field in _DATASET_FIELDS.items() if key in row}
        stored = datasets.get_dataset(self.project_id, row["name"])
        if stored is None or any(getattr(stored, name) != value for name, value in fields.items()):
            with transaction():
                stored = datasets.save_dataset(self.project_id, row["name"], fields)
        # A Langfuse server lists no archived items; Tracer lists them with includeArchived.
        params = {"datasetName": row["name"], "includeArchived": "true"}
        # The oldest first, so that the imported items are listed in the same order.
        items = [item for item, _ in self._rows("dataset-items", **params)]
        for item in reversed(items):
            self._item(stored.dataset_id, item)
        self._runs(stored)

    def _item(self, dataset_id: str, item: dict[str, Any]) -> None:
        fields = {
            "input": item.get("input"),
            "expected_output": item.get("expectedOutput"),
            "metadata": item.get("metadata"),
            "source_trace_id": item.get("sourceTraceId"),
            "source_span_id": item.get("sourceObservationId"),
            "archived": item.get("status") == "ARCHIVED",
        }
        with transaction():
            datasets.save_item(self.project_id, dataset_id, item["id"], fields)
        self.media.copy_for_item(item)

    def _runs(self, dataset: Dataset) -> None:
        path = f"datasets/{segment(dataset.name)}/runs"
        try:
            rows = [row for row, _ in self._rows(path)]
        except RemoteNotFound:
            return  # the newest servers have experiments instead, imported with the traces
        for row in reversed(rows):
            source = self.remote.get(f"{path}/{segment(row['name'])}")
            run = self._run(dataset, row)
            for item in source["datasetRunItems"]:
                with transaction():
                    dataset_runs.add_run_item(
                        self.project_id,
                        run.run_id,
                        item["datasetItemId"],
                        item["traceId"],
                        item.get("observationId"),
                        datetime.fromisoformat(item["createdAt"]),
                    )

    def _run(self, dataset: Dataset, row: dict[str, Any]) -> DatasetRun:
        stored = dataset_runs.get_run(self.project_id, dataset.dataset_id, row["name"])
        fields = (row.get("description"), row.get("metadata"))
        if stored is not None and (stored.description, stored.metadata) == fields:
            return stored
        with transaction():
            return dataset_runs.save_run(
                self.project_id,
                dataset.dataset_id,
                row["name"],
                *fields,
                row.get("id"),
                {"created_at": datetime.fromisoformat(row["createdAt"])},
            )


def _split_at_latest(labels: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels that a version was created with, and those that it got later."""
    if LATEST not in labels:
        return tuple(labels), ()
    position = labels.index(LATEST)
    return tuple(labels[:position]), tuple(labels[position + 1 :])
