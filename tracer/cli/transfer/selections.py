"""Downloads the file of a query: directly, or for very many traces from a job of the server."""

from __future__ import annotations

import sys
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import click
import httpx

_TIMEOUT_SECONDS = 300
_POLL_SECONDS = 1.0


def selection_path(url: str, key: str, query: str, form: str, *, spans: bool, columns: str) -> str:
    """Return the path of the file with the traces of a query.

    Where there are too many for a request, wait until a job of the server has written the file.
    Raises ClickException.
    """
    values = {"q": query, "format": form, "spans": str(spans).lower()}
    values |= {"columns": columns} if columns else {}
    path = f"/api/v1/export?{urlencode(values)}"
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, headers=headers) as client:
            with client.stream("HEAD", path) as response:
                if response.status_code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                    return path
            names = [name.strip() for name in columns.split(",") if name.strip()]
            body = {"query": query, "format": form, "spans": spans, "columns": names}
            return f"/api/v1/exports/{_run_export_job(client, body)}"
    except httpx.HTTPError as error:
        raise click.ClickException(f"no export from {url}: {error}") from error


def _run_export_job(client: httpx.Client, body: dict[str, Any]) -> str:
    """Start a job that writes the file; return its id when it is done."""
    job = _json(client.post("/api/v1/exports", json=body))
    while job["status"] in ("waiting", "running"):
        time.sleep(_POLL_SECONDS)
        job = _json(client.get(f"/api/v1/jobs/{job['id']}"))
        if sys.stderr.isatty():
            click.echo(f"\r{job['done']:,} of {job['total']:,} traces", err=True, nl=False)
    if job["status"] != "done":
        raise click.ClickException(f"the export failed: {job['error']}")
    return str(job["id"])


def _json(response: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    if response.is_error:
        raise click.ClickException(str(body.get("detail", response.status_code)))
    return body
