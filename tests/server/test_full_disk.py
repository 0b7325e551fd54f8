"""A full disk: requests get 503 with the reason, and the server goes on once there is space."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.serving import Serve, serving
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

SPAN_BYTES = 200_000
SPANS = 20


@pytest.fixture
def small_disk(data_dir: Path) -> Iterator[Path]:
    """A file system of 220 MB, of which an empty database takes about 60."""
    data_dir.mkdir()
    mounted = mount(data_dir, "size=220m,mode=755")
    if mounted.returncode:
        pytest.skip(f"a file system can't be mounted here: {mounted.stderr.strip()}")
    yield data_dir
    subprocess.run(["umount", "--lazy", data_dir], check=True)


def mount(path: Path, options: str) -> subprocess.CompletedProcess[str]:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", path]
    try:
        return subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(command, 1, stderr=str(error))


class Sender:
    """Sends batches of spans, and remembers the acknowledged ones."""

    def __init__(self, serve: Serve) -> None:
        self.client = httpx.Client(base_url=serve.url, timeout=120)
        self.number = 0
        self.acknowledged: list[str] = []

    def send(self) -> httpx.Response:
        """Send a batch of another trace."""
        self.number += 1
        trace = f"t{self.number}"
        # Digits, so that PostgreSQL can't compress them much.
        text = "".join(f"{n * 2_654_435_761 % 2**32:08x}" for n in range(SPAN_BYTES // 8))
        spans = [
            {"id": f"s{n}", "trace_id": trace, "name": "s", "input": f"{n}{text}{self.number}"}
            for n in range(SPANS)
        ]
        answer = self.client.post("/api/v1/batch", json={"spans": spans})
        if answer.is_success:
            self.acknowledged.append(trace)
        return answer


def test_a_full_disk_is_reported_everywhere_and_left_behind(small_disk: Path) -> None:
    with serving(data_dir=small_disk / "data", TRACER_WORKERS="1") as serve:
        sender = Sender(serve)
        wait_until(lambda: sender.send().status_code == 503, "a full disk")
        assert len(sender.acknowledged) > 2
        page = "/project/default/traces"

        def reports_a_full_disk() -> bool:
            answer = sender.client.get(page)
            return answer.status_code == 503 and "disk is full" in answer.text

        wait_until(reports_a_full_disk, "the reason on a page")
        wait_until(lambda: serve.printed().count("PostgreSQL ended") >= 4, "further starts")
        refused = sender.send()
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert "No space left on device" in refused.json()["detail"]
        assert "disk is full" in sender.client.get("/healthz").text
        # Each pause is twice as long as the one before it.
        ends = [line for line in serve.printed().splitlines() if "PostgreSQL ended" in line]
        pauses = [int(line.rpartition("in ")[2].removesuffix(" s")) for line in ends]
        assert pauses[-1] >= 4
        mount(small_disk, "remount,size=2g")
        wait_until(lambda: sender.send().status_code == 200, "an answer with space again")
        stored = sender.client.get(page).text
        assert "disk is full" not in stored
        for trace in sender.acknowledged:
            path = f"/api/v1/traces/{trace}"
            assert sender.client.get(path).json()["span_count"] == SPANS
        sender.client.close()
        assert serve.stop() == 0
    assert "Traceback" not in serve.output()
