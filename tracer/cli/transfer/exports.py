"""``tracer export`` writes a trace to a file; ``tracer import file`` sends such a file."""

from __future__ import annotations

import http.client
import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote, urlencode

import click

from tracer.cli.options import server_options
from tracer.cli.transfer.client import SendError, Server
from tracer.cli.transfer.selections import selection_path
from tracer.export import from_json, otlp
from tracer.export.formats import FORMATS
from tracer.export.otlp import BEGIN, END
from tracer.export.records import ExportedComment
from tracer.export.selections.write import FORMATS as FILES
from tracer.times import json_time

_CHUNK: Final = 1 << 16
_REQUEST_BYTES: Final = 4_000_000
_TIMEOUT_SECONDS: Final = 300


@click.command()
@click.argument("trace_id", required=False)
@click.option("--query", metavar="QUERY", help="Export all traces that match; '' is all traces.")
@click.option("--format", "name", type=click.Choice(list(FORMATS | FILES)))
@click.option("--spans", is_flag=True, help="With --query: the traces with spans and payloads.")
@click.option("--columns", metavar="NAMES", default="", help="With --query: name,metadata.plan.")
@click.option("-o", "--output", metavar="FILE", help="Output file; - is standard output.")
@click.option("--budget", type=int, metavar="TOKENS", help="Token limit of a Markdown transcript.")
@server_options
def export(
    trace_id: str | None, output: str | None, budget: int | None, url: str, key: str, **options: Any
) -> None:
    """Write the trace TRACE_ID of a running server, or the traces of a query, to a file."""
    name, query = options["name"], options["query"]
    if (trace_id is None) == (query is None):
        raise click.UsageError("name a trace by its id, or traces by --query")
    formats = FORMATS if query is None else FILES
    if name is not None and name not in formats:
        raise click.UsageError(f"--format: choose one of {', '.join(formats)}")
    if trace_id is None:
        contents = {"spans": options["spans"], "columns": options["columns"]}
        path = selection_path(url, key, query, name or "jsonl", **contents)
    else:
        values = {"format": name or "json"} | ({"budget": str(budget)} if budget else {})
        path = f"/api/v1/traces/{quote(trace_id, safe='')}/export?{urlencode(values)}"
    _download(url, path, key, output)


def _download(url: str, path: str, key: str, output: str | None) -> None:
    request = urllib.request.Request(url.rstrip("/") + path)  # noqa: S310 - the operator's own address
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - the operator's own address
            _save(response, output)
    except urllib.error.HTTPError as error:
        raise click.ClickException(_reason(error)) from error
    except http.client.HTTPException as error:
        raise click.ClickException(
            "the connection broke off during the export; no file was written"
        ) from error
    except OSError as error:
        raise click.ClickException(f"no export from {url}: {error}") from error


def _save(response: Any, output: str | None) -> None:
    if output == "-":
        _copy(response, sys.stdout.buffer)
        return
    file_name = re.search(r'filename="([\w.-]+)"', response.headers["Content-Disposition"])
    path = Path(output or (file_name[1] if file_name else "trace"))
    # Written under another name until complete, so that no partial file has the final name.
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            size = _copy(response, file)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"wrote {path}, {size / 1e6:,.1f} MB")


def _copy(response: Any, file: BinaryIO) -> int:
    size = 0
    while chunk := response.read(_CHUNK):
        size += file.write(chunk)
    return size


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["detail"])
    except (ValueError, KeyError):
        return f"the server returned status {error.code}"


@click.command("file")
@click.argument("file", type=click.File("rb"))
@server_options
def import_file(file: BinaryIO, url: str, key: str) -> None:
    """Send FILE, a JSON or OTLP/JSON export (or any OTLP/JSON), to a running server."""
    total = Path(file.name).stat().st_size
    hidden = not sys.stdout.isatty()
    try:
        bar = click.progressbar(length=total, hidden=hidden)
        with Server(url, key) as server, bar as progress:
            comments: list[dict[str, Any]] = []
            for body in _requests(_resources(file, comments)):
                server.send_json(body)
                progress.update(len(body))
            # After the spans that they are on.
            for comment in comments:
                server.add_comment(comment)
    except SendError as error:
        raise click.ClickException(str(error)) from error
    except RecursionError:
        raise click.ClickException(f"{file.name} holds JSON that is nested too deeply") from None
    click.echo(f"sent {total / 1e6:,.1f} MB to {url}")


def _resources(file: BinaryIO, comments: list[dict[str, Any]]) -> Iterator[bytes]:
    """Yield the resources of a file as OTLP/JSON; an OTLP export is read line by line.

    The comments of a JSON export are added to ``comments``.
    """
    if file.readline().strip() != BEGIN.encode().strip():
        file.seek(0)
        text = file.read()
        is_export = from_json.is_json_export(text)
        if is_export:
            yield from _exported_resources(file.name, text, comments)
        else:
            yield from _collector_resources(text)
        return
    # Checked before anything is sent: a part of a trace would look complete.
    file.seek(-len(END), 2)
    if file.read() != END.encode():
        raise click.ClickException(f"{file.name} is truncated: export it again")
    file.seek(len(BEGIN))
    for line in file:
        resource = line.strip().rstrip(b",")
        if resource.startswith(b"{"):
            yield resource


def _exported_resources(name: str, text: bytes, comments: list[dict[str, Any]]) -> Iterator[bytes]:
    """Yield the resources of a JSON export of a trace or a session."""
    try:
        sources = from_json.read(text)
    except ValueError as error:
        raise click.ClickException(f"{name} is no complete JSON export: {error}") from error
    for source in sources:
        comments += (_comment(source.trace.trace_id, comment) for comment in source.comments())
        # Not by splitlines: texts may contain other characters that end lines.
        for line in "".join(otlp.write(source)).encode().split(b"\n"):
            resource = line.rstrip(b",")
            if resource.startswith(b'{"resource"'):
                yield resource


def _comment(trace_id: str, exported: ExportedComment) -> dict[str, Any]:
    """Return the request that adds a comment of an export."""
    request = {
        "id": exported.comment_id,
        "trace_id": trace_id,
        "text": exported.text,
        "author": exported.author or "",
        "time": json_time(exported.created_at),
    }
    return request | ({"span_id": exported.span_id} if exported.span_id else {})


def _collector_resources(text: bytes) -> Iterator[bytes]:
    """Yield the resources of OTLP/JSON: one request, or one per line as collectors write it."""
    try:
        try:
            requests = [json.loads(text)]
        except json.JSONDecodeError:
            requests = [json.loads(line) for line in text.splitlines() if line.strip()]
        if not requests:
            raise click.ClickException("the file is empty")
        resources = [resource for request in requests for resource in request["resourceSpans"]]
    except (ValueError, KeyError, TypeError) as error:
        raise click.ClickException(
            f"this is neither a JSON export of Tracer nor OTLP/JSON with resourceSpans: {error}"
        ) from error
    for resource in resources:
        yield json.dumps(resource).encode()


def _requests(resources: Iterator[bytes]) -> Iterator[bytes]:
    """Yield OTLP/JSON requests of about `_REQUEST_BYTES` each."""
    batch: list[bytes] = []
    size = 0
    for resource in resources:
        batch.append(resource)
        size += len(resource)
        if size >= _REQUEST_BYTES:
            yield _request(batch)
            batch, size = [], 0
    if batch:
        yield _request(batch)


def _request(resources: list[bytes]) -> bytes:
    return b'{"resourceSpans":[' + b",".join(resources) + b"]}"
