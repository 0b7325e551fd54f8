"""``tracer demo``: send a realistic data set to a running server."""

from __future__ import annotations

import sys
import time
from typing import Final

import click

from tracer.cli.client import SendError, Server
from tracer.demo.dataset import Told, tell
from tracer.demo.otlp import requests

BATCH_SPANS: Final = 500


@click.command()
@click.option("--url", default="http://127.0.0.1:4318", show_default=True, help="The server.")
@click.option("--key", default="", metavar="SECRET", help="A key's secret, where one is needed.")
@click.option("--seed", default=1, show_default=True, help="Another number, other stories.")
def demo(url: str, key: str, seed: int) -> None:
    """Send agents, RAG, chats, errors and a trace of 5,000 spans, as of the last 24 hours."""
    told = tell(seed, time.time())
    try:
        with Server(url, key) as server:
            send(server, told)
            show(server, told)
    except SendError as error:
        raise click.ClickException(str(error)) from error


def send(server: Server, told: list[Told]) -> None:
    """Send all stories, with progress on a terminal. Raises SendError."""
    spans = sum(len(one.story.trace.spans) for one in told)
    click.echo(f"sending {len(told)} traces, {spans:,} spans")
    batches = list(requests((one.story.trace for one in told), BATCH_SPANS))
    if not sys.stdout.isatty():
        server.send_all(batches)
        return
    with click.progressbar(batches) as progress:
        server.send_all(progress)


def show(server: Server, told: list[Told]) -> None:
    """Print where the interesting traces are. Raises SendError."""
    for one in reversed(told):
        if one.label:
            found = server.trace(one.story.trace.trace_id.hex())
            click.echo(f"  {one.label:<36} {found['url']}")
    click.echo(f"  {'everything':<36} {found['url'].rpartition('/')[0]}")
