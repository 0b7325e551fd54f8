"""A project of a Langfuse server is copied completely; Tracer's own server stands in for it."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.langfuse.older_server import without_older_routes
from tests.support.serving import Serve, run_tracer
from tracer.config import Config
from tracer.http_client import ATTEMPTS
from tracer.importing.journal import Journal
from tracer.importing.remote import ImportFailed, Remote
from tracer.server.postgres import Embedded
from tracer.store.database.session import transaction
from tracer.store.projects.keys import create_key
from tracer.store.projects.projects import create_project

TYPED: Any = {"number": 42, "flag": True, "float": 0.5}
LOOK_TYPED: Any = {"text": "42", "name": "true", "none": "null", "json": "[1]"}
PICTURE = b"\x89PNG" + bytes(range(256)) * 20
OF_ITEM = PICTURE[:100]


def digest_of(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def media_id_of(content: bytes) -> str:
    return digest_of(content)[:22].replace("+", "-").replace("/", "_")


MEDIA_ID = media_id_of(PICTURE)


def named(content: bytes) -> str:
    """Return the reference to a medium within a value."""
    return f"@@@langfuseMedia:type=image/png|id={media_id_of(content)}|source=bytes@@@"


class Source:
    """A project of a running server, and the keys that open it."""

    def __init__(self, url: str, public: str, secret: str) -> None:
        self.url, self.public, self.secret = url, public, secret

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call its API and return what it answers."""
        pair = base64.b64encode(f"{self.public}:{self.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


@pytest.fixture
def source(served: Serve, make_app: Callable[[Config], Flask]) -> Source:
    """A project with something of everything that can be copied."""
    assert served.data_dir is not None
    name = f"source-{uuid.uuid4().hex[:8]}"
    app = make_app(Config(database_url=Embedded(served.data_dir).url))
    with app.app_context(), transaction():
        create_project(name, name)
        key, secret = create_key(name, "import")
    made = Source(served.url, key.public_key, secret)
    fill(made)
    return made


def event(kind: str, body: Any, second: int = 0) -> Any:
    stamp = f"2026-01-01T00:00:{second:02}.000Z"
    return {"id": uuid.uuid4().hex, "type": kind, "timestamp": stamp, "body": body}


def fill(source: Source) -> None:
    start, end = "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:02.000Z"
    trace = {"id": "t1", "name": "ask", "userId": "u", "sessionId": "s", "tags": ["a", "b"]}
    root = {"id": "o1", "traceId": "t1", "name": "agent", "startTime": start, "endTime": end}
    call = {
        **{"id": "o2", "traceId": "t1", "parentObservationId": "o1", "name": "chat"},
        **{"startTime": start, "endTime": end, "model": "gpt-4o", "level": "WARNING"},
        "input": [{"role": "user", "content": named(PICTURE)}],
        "output": {"role": "assistant", "content": "Hello"},
        "modelParameters": {"temperature": 0.5},
        "usageDetails": {"input": 10, "output": 5},
        "metadata": {"k": {"deep": [1, 2]}, **TYPED, **LOOK_TYPED},
    }
    root |= {"metadata": {"from": "root", "number": 1}, "output": 2}
    score = {"id": "c1", "traceId": "t1", "observationId": "o2", "name": "good", "value": 0.75}
    label = {"id": "c2", "traceId": "t1", "name": "tone", "value": "kind", "comment": "nice"}
    events = [
        event("trace-create", {**trace, "input": "Q", "output": "A", "metadata": {"m": 1}}),
        event("agent-create", root, 1),
        event("generation-create", call, 2),
        event("score-create", score, 3),
        event("score-create", label, 4),
        event("trace-create", {"id": "t2", "name": "bare", "timestamp": start}),
    ]
    answer = source.call("POST", "/api/public/ingestion", {"batch": events})
    assert answer["errors"] == []
    upload(source, PICTURE, traceId="t1", observationId="o2")
    for text in ("one", "two", "three"):
        labels = [text, "z", "a"]
        body = {"name": "a/greet", "prompt": text, "labels": labels, "tags": ["t"], "config": {}}
        source.call("POST", "/api/public/v2/prompts", body)
    later = {"newLabels": ["later", "b"]}
    source.call("PATCH", "/api/public/v2/prompts/a%2Fgreet/versions/3", later)
    delete_version_two(source)
    dataset = {"name": "d/1", "metadata": {"x": 1}, "inputSchema": {"type": "object"}}
    source.call("POST", "/api/public/v2/datasets", dataset)
    for item in ("i1", "i2"):
        body = {"datasetName": "d/1", "id": item, "input": {"q": item}, "expectedOutput": "a"}
        source.call("POST", "/api/public/dataset-items", body)
    upload(source, OF_ITEM, datasetId="d/1", datasetItemId="i3")
    picture = {"q": "42", "picture": named(OF_ITEM)}
    body = {"datasetName": "d/1", "id": "i3", "input": picture, "status": "ARCHIVED"}
    source.call("POST", "/api/public/dataset-items", body)
    link = {"runName": "r", "datasetItemId": "i1", "traceId": "t1", "observationId": "o1"}
    run = source.call("POST", "/api/public/dataset-run-items", link)
    mean = {"id": "c3", "datasetRunId": run["datasetRunId"], "name": "mean", "value": 0.5}
    source.call("POST", "/api/public/scores", mean)
    annotate(source)


def annotate(source: Source) -> None:
    """Comment, and score by configs that would not accept the scores any more."""
    for kind, object_id in (("TRACE", "t1"), ("OBSERVATION", "o2"), ("SESSION", "s")):
        body = {"objectType": kind, "objectId": object_id, "content": f"on {kind}"}
        source.call("POST", "/api/public/comments", {**body, "projectId": "p", "authorUserId": "u"})
    grades = [{"label": "good", "value": 2}, {"label": "bad", "value": 1}]
    verdict = {"name": "verdict", "dataType": "CATEGORICAL", "categories": grades}
    grade = {"name": "grade", "dataType": "NUMERIC", "maxValue": 10}
    for score_id, body, value in (("c4", verdict, "good"), ("c5", grade, 9)):
        config = source.call("POST", "/api/public/score-configs", body)
        score = {"id": score_id, "traceId": "t1", "name": "x", "value": value}
        source.call("POST", "/api/public/scores", {**score, "configId": config["id"]})
        changed = {"isArchived": True} if value == "good" else {"maxValue": 5}
        source.call("PATCH", f"/api/public/score-configs/{config['id']}", changed)


def upload(source: Source, content: bytes, **use: str) -> None:
    """Store a medium in the source, as one that the input of a trace or item uses."""
    announced = {
        **{"field": "input", "contentType": "image/png", "contentLength": len(content)},
        **{"sha256Hash": digest_of(content), **use},
    }
    url = source.call("POST", "/api/public/media", announced)["uploadUrl"]
    request = urllib.request.Request(url, content, method="PUT")
    urllib.request.urlopen(request, timeout=30).close()


def delete_version_two(source: Source) -> None:
    """Leave a gap in the numbers, which the copy must keep."""
    pair = base64.b64encode(f"{source.public}:{source.secret}".encode()).decode()
    path = f"{source.url}/api/public/v2/prompts/a%2Fgreet?version=2"
    request = urllib.request.Request(
        path, headers={"Authorization": f"Basic {pair}"}, method="DELETE"
    )
    urllib.request.urlopen(request, timeout=30).close()


@pytest.fixture
def copy(source: Source, database_url: str, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Run the command against the source, or what stands before it."""

    def command(host: str = "") -> str:
        done = run_tracer(
            *("import", "langfuse", "--host", host or source.url, "--public-key", source.public),
            *("--database-url", database_url, "--data-dir", str(tmp_path)),
            LANGFUSE_SECRET_KEY=source.secret,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        assert source.secret not in done.stdout
        return done.stdout

    return command


# The time at which a row was last written is not compared.
_ROWS = "SELECT to_jsonb(t) - 'updated_at' FROM {} t"


def everything(url: str) -> dict[str, list[Any]]:
    """Return all rows of the tables that a copy fills."""
    tables = (
        *("traces", "spans", "span_payloads", "scores", "sessions", "media", "media_uses"),
        *("prompts", "prompt_versions", "prompt_labels", "score_configs", "comments"),
        *("datasets", "dataset_items", "dataset_runs", "dataset_run_items"),
    )
    with psycopg.connect(url) as connection:
        return {
            table: sorted(connection.execute(_ROWS.format(table).encode()).fetchall(), key=str)
            for table in tables
        }


def whole(client: FlaskClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.text)
    return answer.get_json()


def comparable(value: Any) -> Any:
    """Return a document without the fields that differ between a project and its copy."""
    if isinstance(value, dict):
        # A cost is copied as what it was, and not computed by a model's price again.
        names = ("projectId", "createdAt", "updatedAt", "htmlPath", "version", "datasetId")
        names = (*names, "modelId", "inputPrice", "outputPrice", "totalPrice")
        names = (
            *names,
            "url",
            "urlExpiry",
            "usagePricingTierId",
            "usagePricingTierName",
            "resolutionGraph",
        )
        own_ids = "datasetRunName" in value or "inputSchema" in value
        names = (*names, "datasetRunId", "id") if own_ids else names
        return {name: comparable(item) for name, item in value.items() if name not in names}
    return [comparable(item) for item in value] if isinstance(value, list) else value


PATHS = (
    "/api/public/traces/t1",
    "/api/public/traces/t2",
    *(f"/api/public/v2/scores/c{number}" for number in range(1, 6)),
    "/api/public/score-configs",
    "/api/public/comments",
    "/api/public/v2/prompts/a%2Fgreet?version=1",
    "/api/public/v2/prompts/a%2Fgreet?version=3",
    "/api/public/dataset-items?datasetName=d%2F1&includeArchived=true",
    "/api/public/v2/datasets/d%2F1",
)


def test_a_project_is_copied_completely(
    source: Source, copy: Callable[..., str], client: FlaskClient
):
    assert "2 media copied" in copy()
    for path in (*PATHS, "/api/public/datasets/d%2F1/runs/r"):
        original, copied = source.call("GET", path), whole(client, path)
        if path.endswith("/r"):
            original.pop("id"), copied.pop("id")
        assert comparable(copied) == comparable(original), path
    url = whole(client, f"/api/public/media/{MEDIA_ID}")["url"]
    assert client.get(url).data == PICTURE


@pytest.mark.usefixtures("client")
def test_a_copy_that_is_repeated_changes_nothing(
    copy: Callable[..., str], database_url: str
) -> None:
    copy()
    before = everything(database_url)
    copy()
    assert everything(database_url) == before


def test_a_server_without_the_older_routes_is_copied(
    source: Source, copy: Callable[..., str], client: FlaskClient
) -> None:
    with without_older_routes(source.url) as host:
        copy(host)
    copied = whole(client, "/api/public/traces/t1")
    original = source.call("GET", "/api/public/traces/t1")
    # These routes return texts and numbers alike.
    for document in (copied, original):
        for observation in document["observations"]:
            for name in LOOK_TYPED:
                observation["metadata"].pop(name, None)
    for name in ("observations", "scores", "tags", "userId", "sessionId", "name"):
        assert comparable(copied[name]) == comparable(original[name]), name


def test_wrong_keys_are_reported_in_one_line(
    source: Source, database_url: str, tmp_path: Path
) -> None:
    done = run_tracer(
        *("import", "langfuse", "--host", source.url, "--public-key", "pk-lf-x"),
        *("--database-url", database_url, "--data-dir", str(tmp_path)),
        LANGFUSE_SECRET_KEY="sk-lf-secret",
    )
    assert done.returncode == 1
    assert "does not accept these keys" in done.stderr
    assert "sk-lf-secret" not in done.stderr + done.stdout


def test_a_server_that_does_not_answer_is_retried_and_then_reported() -> None:
    waits: list[float] = []
    with (
        Remote("http://127.0.0.1:9", "p", "s", waits.append) as remote,
        pytest.raises(ImportFailed, match="no answer from"),
    ):
        remote.get("traces")
    assert len(waits) == ATTEMPTS - 1


def test_an_interrupted_copy_continues_where_it_stopped(tmp_path: Path) -> None:
    Journal(tmp_path, "host", "p").note("traces", "2026-01-01")
    assert Journal(tmp_path, "host", "p").get("traces") == "2026-01-01"
    assert Journal(tmp_path, "other", "p").get("traces") is None
    Journal(tmp_path, "host", "p").finish()
    assert Journal(tmp_path, "host", "p").get("traces") is None
