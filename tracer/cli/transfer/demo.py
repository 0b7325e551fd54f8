"""``tracer demo``: sends a realistic data set to a running server."""

from __future__ import annotations

import sys
import time
from typing import Final

import click

from tracer.cli.options import server_options
from tracer.cli.transfer.client import SendError, Server
from tracer.demo.dataset import DemoTrace, generate
from tracer.demo.otlp import requests

BATCH_SPANS: Final = 500


@click.command()
@server_options
@click.option("--seed", default=1, show_default=True, help="Seed of the generated data set.")
def demo(seed: int, url: str, key: str) -> None:
    """Send traces of agents, RAG, chats and errors of the last 24 hours, one of 5,000 spans."""
    traces = generate(seed, time.time())
    try:
        with Server(url, key) as server:
            send(server, traces)
            show(server, traces)
    except SendError as error:
        raise click.ClickException(str(error)) from error


def send(server: Server, traces: list[DemoTrace]) -> None:
    """Send all traces, with progress on a terminal. Raises SendError."""
    spans = sum(len(demo_trace.story.trace.spans) for demo_trace in traces)
    click.echo(f"sending {len(traces)} traces, {spans:,} spans")
    batches = list(requests((demo_trace.story.trace for demo_trace in traces), BATCH_SPANS))
    if not sys.stdout.isatty():
        server.send_all(batches)
        return
    with click.progressbar(batches) as progress:
        server.send_all(progress)


def show(server: Server, traces: list[DemoTrace]) -> None:
    """Print the URLs of the traces that have a label. Raises SendError."""
    for demo_trace in reversed(traces):
        if demo_trace.label:
            url = server.trace(demo_trace.story.trace.trace_id.hex())["url"]
            click.echo(f"  {demo_trace.label:<36} {url}")
    click.echo(f"  {'everything':<36} {url.rpartition('/')[0]}")
