"""Short scripts, crashes and child processes: their spans arrive, below the right parents."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.otlp_receiver import Receiver
from tests.support.programs import parents, run_program
from tests.support.serving import environ
from tests.support.waiting import wait_until


def test_a_short_script_sends_all_before_it_ends(receiver: Receiver) -> None:
    run_program("for n in range(700): tracer.event(f'e{n}')", receiver)
    assert len(receiver.ended()) == 700


@pytest.mark.parametrize("ending", ["sys.exit(3)", "raise SystemExit(3)"])
def test_a_script_that_exits_inside_a_span_sends_the_span(receiver: Receiver, ending: str) -> None:
    run_program(f"with tracer.span('work'): {ending}", receiver, returns=3)
    assert receiver.names() == ["work"]


def test_a_script_that_is_killed_leaves_a_running_span(receiver: Receiver) -> None:
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


def test_a_script_without_a_server_ends_soon_after_one_warning() -> None:
    absent = Receiver()
    absent.port = 1
    printed = run_program("with tracer.span('work'): print('done')", absent)
    assert "done" in printed
    assert printed.count("can't take spans") == 1
    assert "Traceback" not in printed


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_send_their_spans(
    receiver: Receiver, method: str, tmp_path: Path
) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import multiprocessing, sys
            import tracer.sdk as tracer
            tracer.init({receiver.url!r})

            def work(headers, number):
                with tracer.continue_trace(headers), tracer.span(f"child {{number}}"):
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
