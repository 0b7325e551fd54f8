"""``python -m bench.attack``: attacks its own server on loopback, and prints the latencies."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Final, NamedTuple

import click

from bench.attack.bombs import bombs, send_bomb
from bench.attack.crowd import crowd
from bench.attack.slow import CLIENT_KINDS, Latencies, latencies
from bench.attack.stuck import stuck_trace
from bench.family import Family, family
from bench.figures import MEGABYTE

_SECONDS: Final = 10.0
_LARGE_TRACE_REQUESTS: Final = 20


@click.command()
@click.option(
    "--only", type=click.Choice(("slow", "bombs", "stuck")), multiple=True, help="Repeatable."
)
@click.option("--clients", default=1_000, show_default=True, help="Slow connections of each kind.")
def main(only: tuple[str, ...], clients: int) -> None:
    """Repeat the attacks of docs/security.md and docs/reliability.md: some minutes, bounded."""
    attacks: dict[str, Callable[[Family], None]] = {
        "slow": lambda server: attack_slowly(server, clients),
        "bombs": drop_bombs,
        "stuck": hold_trace,
    }
    with family() as server:
        for name, attack in attacks.items():
            if name in (only or attacks):
                click.echo(f"\n{name}")
                attack(server)


def attack_slowly(server: Family, clients: int) -> None:
    """Print the latencies without, then with slow clients of each kind, and their ratio."""
    _store_large_trace(server.port)
    latencies(server.port, 2)
    for name in CLIENT_KINDS:
        before = _measured(server)
        _show("no slow clients", before)
        with crowd(server.port, name, clients):
            _show(f"{clients:,} × {name}", _measured(server), before)


def drop_bombs(server: Family) -> None:
    """Print the status, duration and memory growth of each decompression bomb."""
    for bomb in bombs():
        outcome = send_bomb(server, bomb)
        click.echo(
            f"  {outcome.name:<22}{outcome.sent_bytes / MEGABYTE:8.2f} MB sent"
            f"  status {outcome.status}{outcome.seconds:8.2f} s"
            f"{outcome.memory_bytes / MEGABYTE:8.0f} MB more memory"
        )


def hold_trace(server: Family) -> None:
    """Print the latencies without, then with a locked trace to which requests write."""
    before = _measured(server)
    _show("no trace locked", before)
    with stuck_trace(server) as statuses:
        _show("a trace locked", _measured(server), before)
    click.echo(f"  statuses of its writers: {sorted(statuses)}")


class _Measured(NamedTuple):
    """Latencies, and the processor time (seconds) of server and PostgreSQL for each request."""

    latencies: Latencies
    processor: float

    def figures(self) -> dict[str, float]:
        """Return the printed figures, in seconds."""
        ingest, pages, health, *_ = self.latencies
        times = {"p95 ingest": ingest, "pages": pages, "health": health}
        return times | {"processor": self.processor}


def _measured(server: Family) -> _Measured:
    before = sum(server.cpu())
    sample = latencies(server.port, _SECONDS)
    return _Measured(sample, (sum(server.cpu()) - before) / sample.requests)


def _show(name: str, measured: _Measured, before: _Measured | None = None) -> None:
    cells = []
    earlier = before.figures() if before else {}
    for title, now in measured.figures().items():
        previous = earlier.get(title)
        factor = f" ({now / previous:.1f} ×)" if previous else ""
        cells.append(f"{title} {now * 1000:6.1f} ms{factor:<9}")
    click.echo(f"  {name:<32}{' '.join(cells)}  failed {measured.latencies.failed}")


def _store_large_trace(port: int) -> None:
    """Store a trace of 20 MB: its export exceeds the buffers between server and client."""
    for part in range(_LARGE_TRACE_REQUESTS):
        spans = [
            {"id": f"{part}-{n}", "trace_id": "large", "name": "s", "input": f"{n}" * 50_000}
            for n in range(10)
        ]
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/batch",
            json.dumps({"spans": spans}).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()


if __name__ == "__main__":
    main()
