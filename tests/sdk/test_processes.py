"""Forks, spawned processes, short scripts and crashes: what they did is there, under its parent."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.otlp_receiver import Receiver
from tests.support.programs import run_program
from tests.support.serving import environ
from tests.support.waiting import wait_until


def parents(receiver: Receiver) -> dict[str, str | None]:
    """Return each span's parent by name."""
    names = {span.span_id: span.name for span in receiver.ended()}
    return {span.name: names.get(span.parent_span_id) for span in receiver.ended()}


def test_a_short_script_sends_all_before_it_ends(receiver: Receiver) -> None:
    run_program("for n in range(700): tracer.event(f'e{n}')", receiver)
    assert len(receiver.ended()) == 700


@pytest.mark.parametrize("ending", ["sys.exit(3)", "raise SystemExit(3)"])
def test_so_does_one_that_exits_within_a_span(receiver: Receiver, ending: str) -> None:
    run_program(f"with tracer.span('work'): {ending}", receiver, returns=3)
    assert receiver.names() == ["work"]


def test_one_that_is_killed_leaves_a_running_span(receiver: Receiver) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time\nimport tracer.sdk as tracer\n"
            f"tracer.init({receiver.url!r}, flush_seconds=0.01)\n"
            "with tracer.agent('doomed', input='q'): time.sleep(60)",
        ],
        env=environ(),
    )
    wait_until(lambda: receiver.running(), "the running span")
    process.kill()
    process.wait()
    assert [span.name for span in receiver.running()] == ["doomed"]
    assert receiver.ended() == []


def test_no_server_means_no_wait_and_one_warning() -> None:
    gone = Receiver()
    gone.port = 1
    said = run_program("with tracer.span('work'): print('done')", gone)
    assert "done" in said
    assert said.count("can't take spans") == 1
    assert "Traceback" not in said


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_sends_its_own_spans_and_not_the_parents(receiver: Receiver) -> None:
    run_program(
        """
        with tracer.span("root"):
            tracer.event("before the fork")
            pid = os.fork()
            if pid == 0:
                with tracer.span("child"):
                    tracer.event("grandchild")
                tracer.flush()
                os._exit(0)
            os.waitpid(pid, 0)
            tracer.event("after the fork")
        """,
        receiver,
    )
    expected = {
        "root": None,
        "before the fork": "root",
        "child": "root",
        "grandchild": "child",
        "after the fork": "root",
    }
    assert parents(receiver) == expected
    assert len(receiver.ended()) == len(expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_span_that_is_open_at_a_fork_is_sent_by_the_process_that_began_it(
    receiver: Receiver,
) -> None:
    run_program(
        """
        with tracer.span("root") as root:
            if os.fork() == 0:
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
    said = {pair.key: pair.value.string_value for pair in root.attributes}
    assert said["tracer.output"] == '"of the parent"'
    assert parents(receiver) == {"root": None, "child": "root"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forks_make_different_ids(receiver: Receiver) -> None:
    run_program(
        """
        tracer.event("warm")
        for n in range(4):
            if os.fork() == 0:
                for _ in range(50): tracer.event("child")
                tracer.shutdown()
                os._exit(0)
        for n in range(4): os.wait()
        """,
        receiver,
    )
    assert len({span.span_id for span in receiver.ended()}) == 1 + 4 * 50


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_send_theirs(
    receiver: Receiver, method: str, tmp_path: Path
) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import multiprocessing, sys
            import tracer.sdk as tracer
            tracer.init({receiver.url!r})

            def work(carried, number):
                with tracer.continue_trace(carried), tracer.span(f"child {{number}}"):
                    tracer.event(f"grandchild {{number}}")

            if __name__ == "__main__":
                context = multiprocessing.get_context({method!r})
                with tracer.span("root"):
                    children = [
                        context.Process(target=work, args=(tracer.headers(), n)) for n in range(3)
                    ]
                    for child in children: child.start()
                    for child in children: child.join()
            """
        )
    )
    command = [sys.executable, str(script)]
    done = subprocess.run(command, env=environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    expected: dict[str, str | None] = {"root": None}
    for number in range(3):
        expected[f"child {number}"] = "root"
        expected[f"grandchild {number}"] = f"child {number}"
    assert parents(receiver) == expected, done.stderr


def test_a_seeded_program_does_not_repeat_its_ids(receiver: Receiver) -> None:
    for _ in range(2):
        run_program("import random; random.seed(1); tracer.event('e')", receiver)
    assert len({span.trace_id for span in receiver.ended()}) == 2


def test_a_preloaded_gunicorn_traces_in_its_workers(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "preloaded.py").write_text(
        textwrap.dedent(
            f"""
            import os
            import tracer.sdk as tracer
            tracer.init({receiver.url!r}, flush_seconds=0.01)
            tracer.event("preloading")

            def app(environ, start_response):
                with tracer.span(f"request in {{os.getpid()}}"):
                    start_response("200 OK", [])
                    return [b"ok"]
            """
        )
    )
    command = [sys.executable, "-m", "gunicorn", "--preload", "-w", "2", "-b", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--chdir", str(tmp_path), "preloaded:app"],
        env=environ(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = next(line for line in process.stderr if "Listening at" in line)
        url = line.split("Listening at: ")[1].split()[0]
        command = [sys.executable, "-c", "import sys, urllib.request as u; u.urlopen(sys.argv[1])"]
        for _ in range(6):
            subprocess.run([*command, url], check=True, timeout=30)
        wait_until(lambda: len(receiver.ended()) == 7, "the spans of the workers")
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()
    assert str(process.pid) not in " ".join(receiver.names()[1:])
