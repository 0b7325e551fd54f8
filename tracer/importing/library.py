"""Copies prompts with their versions and labels, datasets with their items and runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tracer.importing.remote import NotThere, Remote, segment
from tracer.importing.traces import Progress
from tracer.store.database.session import transaction
from tracer.store.library import dataset_runs, datasets, prompts
from tracer.store.library.dataset_runs import DatasetRun
from tracer.store.library.datasets import Dataset
from tracer.store.library.prompts import LATEST, PromptDraft

_TOLD: Final = {
    "description": "description",
    "metadata": "metadata",
    "inputSchema": "input_schema",
    "expectedOutputSchema": "expected_output_schema",
}


@dataclass(frozen=True)
class LibraryCopier:
    """Copies what a project keeps beside its traces; what is the same already stays untouched."""

    remote: Remote
    project_id: str
    tell: Progress

    def copy(self) -> None:
        """Copy prompts, then datasets. Raises ImportFailed."""
        for done, (row, total) in enumerate(self._rows("v2/prompts"), 1):
            self._prompt(row)
            self.tell("prompts", done, total)
        for done, (row, total) in enumerate(self._rows("v2/datasets"), 1):
            self._dataset(row)
            self.tell("datasets", done, total)

    def _rows(self, path: str, **params: object) -> Iterator[tuple[dict[str, Any], int]]:
        for rows, total in self.remote.numbered(path, **params):
            for row in rows:
                yield row, total

    def _prompt(self, row: dict[str, Any]) -> None:
        name = row["name"]
        for version in sorted(row["versions"]):
            path = f"v2/prompts/{segment(name)}"
            try:
                # As it was written: what it refers to is copied as well.
                found = self.remote.get(path, version=version, resolve="false")
            except NotThere:
                continue  # deleted since the list was made
            held = prompts.get_version(self.project_id, name, version=version)
            labels = tuple(label for label in found["labels"] if label != LATEST)
            if held is None:
                draft = PromptDraft(
                    name=name,
                    type=found["type"],
                    prompt=found["prompt"],
                    config=found["config"],
                    labels=labels,
                    tags=found["tags"],
                    commit_message=found.get("commitMessage"),
                )
                with transaction():
                    prompts.create_version(self.project_id, draft, version=version)
            elif set(labels) - set(held.labels):
                with transaction():
                    prompts.label_version(self.project_id, name, version, labels)

    def _dataset(self, row: dict[str, Any]) -> None:
        said = {ours: row[theirs] for theirs, ours in _TOLD.items() if theirs in row}
        held = datasets.get_dataset(self.project_id, row["name"])
        if held is None or any(getattr(held, name) != value for name, value in said.items()):
            with transaction():
                held = datasets.save_dataset(self.project_id, row["name"], said)
        # The oldest first, so that the copy lists them in the same order.
        items = [item for item, _ in self._rows("dataset-items", datasetName=row["name"])]
        for item in reversed(items):
            self._item(held.dataset_id, item)
        self._runs(held)

    def _item(self, dataset_id: str, item: dict[str, Any]) -> None:
        said = {
            "input": item.get("input"),
            "expected_output": item.get("expectedOutput"),
            "metadata": item.get("metadata"),
            "source_trace_id": item.get("sourceTraceId"),
            "source_span_id": item.get("sourceObservationId"),
            "archived": item.get("status") == "ARCHIVED",
        }
        with transaction():
            datasets.save_item(self.project_id, dataset_id, item["id"], said)

    def _runs(self, dataset: Dataset) -> None:
        path = f"datasets/{segment(dataset.name)}/runs"
        try:
            rows = [row for row, _ in self._rows(path)]
        except NotThere:
            return  # the newest servers know experiments instead, which traces tell
        for row in reversed(rows):
            found = self.remote.get(f"{path}/{segment(row['name'])}")
            run = self._run(dataset, row)
            for item in found["datasetRunItems"]:
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
        held = dataset_runs.get_run(self.project_id, dataset.dataset_id, row["name"])
        told = (row.get("description"), row.get("metadata"))
        if held is not None and (held.description, held.metadata) == told:
            return held
        with transaction():
            return dataset_runs.save_run(
                self.project_id, dataset.dataset_id, row["name"], *told, row.get("id")
            )
