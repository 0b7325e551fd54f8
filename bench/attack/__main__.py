"""``python -m bench.attack``: attacks a server of its own on loopback, and prints what it took."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Final, NamedTuple

import click

from bench.attack.bombs import bombs, explode
from bench.attack.crowd import crowd
from bench.attack.slow import SORTS, Latencies, latencies
from bench.attack.stuck import stuck_trace
from bench.family import Family, family
from bench.figures import MEGABYTE

_SECONDS: Final = 10.0
_LARGE_TRACE_REQUESTS: Final = 20


@click.command()
@click.option(
    "--only", type=click.Choice(("slow", "bombs", "stuck")), multiple=True, help="Repeatable."
)
@click.option("--clients", default=1_000, show_default=True, help="Slow connections of each sort.")
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
    """Print the latencies with slow clients of each sort, and how often those right before."""
    _store_large_trace(server.port)
    latencies(server.port, 2)
    for name in SORTS:
        before = _measured(server)
        _show("nobody slow", before)
        with crowd(server.port, name, clients):
            _show(f"{clients:,} × {name}", _measured(server), before)


def drop_bombs(server: Family) -> None:
    """Print the answer to each bomb, its time and its memory."""
    for bomb in bombs():
        outcome = explode(server, bomb)
        click.echo(
            f"  {outcome.name:<22}{outcome.sent_bytes / MEGABYTE:8.2f} MB sent"
            f"  status {outcome.status}{outcome.seconds:8.2f} s"
            f"{outcome.memory_bytes / MEGABYTE:8.0f} MB more memory"
        )


def hold_trace(server: Family) -> None:
    """Print the latencies without, and with a trace that is locked and written to."""
    before = _measured(server)
    _show("no trace locked", before)
    with stuck_trace(server) as statuses:
        _show("a trace locked", _measured(server), before)
    click.echo(f"  its writers were answered {sorted(statuses)}")


class _Measured(NamedTuple):
    """Latencies, and the processor time (seconds) of server and PostgreSQL for each request."""

    taken: Latencies
    processor: float

    def figures(self) -> dict[str, float]:
        """Return what is shown, in seconds."""
        ingest, pages, health, *_ = self.taken
        times = {"p95 ingest": ingest, "pages": pages, "health": health}
        return times | {"processor": self.processor}


def _measured(server: Family) -> _Measured:
    before = sum(server.cpu())
    taken = latencies(server.port, _SECONDS)
    return _Measured(taken, (sum(server.cpu()) - before) / taken.requests)


def _show(name: str, measured: _Measured, before: _Measured | None = None) -> None:
    cells = []
    earlier = before.figures() if before else {}
    for title, now in measured.figures().items():
        then = earlier.get(title)
        factor = f" ({now / then:.1f} ×)" if then else ""
        cells.append(f"{title} {now * 1000:6.1f} ms{factor:<9}")
    click.echo(f"  {name:<32}{' '.join(cells)}  failed {measured.taken.failed}")


def _store_large_trace(port: int) -> None:
    """Store a trace of 20 MB, whose export is larger than what waits for a reader."""
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
