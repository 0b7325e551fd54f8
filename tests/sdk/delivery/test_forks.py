"""Forks, also those in C that run no hook: each process has its own ids and sends its own spans."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.otlp_receiver import Receiver
from tests.support.programs import parents, run_program
from tests.support.serving import environ
from tests.support.waiting import wait_until
from tracer.sdk._ids import SystemIds

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# Keeps the GIL, as a server does that embeds Python and forks: uWSGI, for example.
FORK_IN_C = "import ctypes; fork = ctypes.PyDLL(None).fork\n"
FORKS = {"in Python": "fork = os.fork\n", "in C": FORK_IN_C}
# After a fork in C a thread of the parent that waited for the GIL can block the child, whatever the
# SDK does. So the exporting thread of these programs sleeps until it is woken or ends.
ASLEEP = "flush_seconds=60"


def run_forking(fork: str, code: str, receiver: Receiver) -> None:
    run_program(FORKS[fork] + textwrap.dedent(code), receiver, settings=ASLEEP)


@pytest.mark.parametrize("fork", FORKS)
def test_a_forked_process_sends_its_own_spans_and_not_its_parents(
    receiver: Receiver, fork: str
) -> None:
    run_forking(
        fork,
        """
        tracer.event("before the thread starts")
        with tracer.span("root"):
            tracer.event("waiting in the parent")
            for n in range(3):
                if fork() == 0:
                    with tracer.span(f"child {n}"): tracer.event(f"grandchild {n}")
                    sys.exit()
            for n in range(3): os.wait()
            tracer.event("after")
        """,
        receiver,
    )
    expected = {"before the thread starts": None, "waiting in the parent": "root"}
    expected |= {"root": None, "after": "root"}
    for n in range(3):
        expected |= {f"child {n}": "root", f"grandchild {n}": f"child {n}"}
    assert parents(receiver) == expected
    assert len(receiver.ended()) == len(expected)


@pytest.mark.parametrize("fork", FORKS)
def test_a_span_that_is_open_at_a_fork_is_sent_by_the_process_that_started_it(
    receiver: Receiver, fork: str
) -> None:
    run_forking(
        fork,
        """
        with tracer.span("root") as root:
            if fork() == 0:
                root.update(output="of the child")
                tracer.event("child")
                sys.exit()
            os.wait()
            root.update(output="of the parent")
        """,
        receiver,
    )
    assert receiver.names() == ["child", "root"]
    root = next(span for span in receiver.ended() if span.name == "root")
    attributes = {pair.key: pair.value.string_value for pair in root.attributes}
    assert attributes["tracer.output"] == '"of the parent"'
    assert parents(receiver) == {"root": None, "child": "root"}


@pytest.mark.parametrize("fork", FORKS)
def test_forked_processes_deliver_while_they_live(receiver: Receiver, fork: str) -> None:
    program = (
        "import os, sys, threading\nimport tracer.sdk as tracer\n"
        f"tracer.init({receiver.url!r}, {ASLEEP})\n"
        + FORKS[fork]
        + textwrap.dedent(
            """
            from opentelemetry import trace
            tracer.event("parent")
            tracer.flush()
            def work(name):
                tracer.score(name, 1, trace_id="f" * 32)
                # More than a batch, which wakes the exporting thread.
                for _ in range(100):
                    tracer.event(name)
                    trace.get_tracer("theirs").start_span(name).end()
            for n in range(3):
                if fork() == 0:
                    # As a worker with threads, whose first requests come at the same time.
                    names = [f"child {n} thread {t}" for t in range(4)]
                    threads = [threading.Thread(target=work, args=(name,)) for name in names]
                    for thread in threads: thread.start()
                    for thread in threads: thread.join()
                    sys.stdin.read()
                    tracer.shutdown()
                    os._exit(0)
            sys.stdin.read()
            for n in range(3): os.wait()
            """
        )
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=environ(), stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    try:
        children = {f"child {n}" for n in range(3)}
        wait_until(
            lambda: {name[:7] for name in receiver.names() if name != "parent"} == children,
            "spans of living children",
        )
        assert process.poll() is None
    finally:
        # The children read the same pipe.
        process.stdin.close()
        process.wait(30)
    names = sorted(f"child {n} thread {t}" for n in range(3) for t in range(4))
    assert receiver.names() == sorted(["parent", *(200 * names)])
    assert len({span.span_id for span in receiver.ended()}) == 1 + 200 * len(names)
    assert sorted(score["name"] for score in receiver.scores) == names


@pytest.mark.parametrize("fork", FORKS)
def test_forked_processes_make_different_ids(receiver: Receiver, fork: str) -> None:
    run_forking(
        fork,
        """
        from opentelemetry import trace
        otel = trace.get_tracer("theirs")
        tracer.event("first")
        for n in range(4):
            if fork() == 0:
                for _ in range(50):
                    tracer.event("child")
                    otel.start_span("child").end()
                tracer.shutdown()
                os._exit(0)
        for n in range(4): os.wait()
        """,
        receiver,
    )
    assert len(receiver.ended()) == 1 + 4 * 100
    assert len({span.span_id for span in receiver.ended()}) == 1 + 4 * 100
    assert len({span.trace_id for span in receiver.ended()}) == 1 + 4 * 100


def test_a_fork_during_a_flush_does_not_hang_the_child(receiver: Receiver) -> None:
    run_program(
        """
        import ctypes, faulthandler
        faulthandler.dump_traceback_later(30, exit=True)
        tracer.event("parent")
        # As if another thread of the parent were sending: the child inherits the lock.
        tracer._client.state.client.sink._sending.acquire()
        if ctypes.PyDLL(None).fork() == 0:
            tracer.event("child")
            start = time.monotonic()
            assert tracer.flush()
            assert time.monotonic() - start < 10
            tracer.shutdown()
            os._exit(0)
        assert os.wait()[1] == 0
        tracer._client.state.client.sink._sending.release()
        """,
        receiver,
        settings=ASLEEP,
    )
    assert receiver.names() == ["child", "parent"]


def test_a_program_that_seeds_random_does_not_repeat_its_ids(
    receiver: Receiver, tmp_path: Path
) -> None:
    joined = "from opentelemetry import trace; from opentelemetry.sdk.trace import TracerProvider; "
    for start in ("", f"{joined}trace.set_tracer_provider(TracerProvider()); "):
        script = tmp_path / "program.py"
        script.write_text(
            f"{start}import random\nimport tracer.sdk as tracer\ntracer.init({receiver.url!r})\n"
            "random.seed(1)\ntracer.event('event')\n"
        )
        for _ in range(2):
            subprocess.run([sys.executable, script], env=environ(), check=True, timeout=60)
    assert len({span.trace_id for span in receiver.ended()}) == 4
    assert len({span.span_id for span in receiver.ended()}) == 4


@given(st.integers(0, 600), st.sampled_from(["fork", "snapshot"]), st.integers(1, 600))
def test_copies_of_a_process_share_no_id(before: int, kind: str, after: int) -> None:
    ids, process, now = SystemIds(), os.getpid(), time.time_ns()
    used = {ids.number(process, now) for _ in range(before)}
    copies = [copy.deepcopy(ids) for _ in range(3)]
    for number, copied in enumerate(copies):
        # A fork goes on as parent and children. A snapshot is restored with the process id that it
        # had, but the clock has moved on.
        process_now = process + number if kind == "fork" else process
        later = now if kind == "fork" else now + 2_000_000_000
        new = {copied.number(process_now, later) for _ in range(after)}
        assert len(new) == after
        assert not used & new
        used |= new
    assert all(0 < number < 2**64 for number in used)
