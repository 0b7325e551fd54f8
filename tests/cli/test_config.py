"""`tracer config check`: each mistake with its line, and nothing where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.serving import run_tracer
from tracer.cli.config import config

GOOD = """
# How the team's server runs.
TRACER_ALLOWED_HOSTS=tracer.example.com, other.example.com
TRACER_TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8"
TRACER_LOGIN=https://client:secret@login.example.com/realms/team?join=example.com:default:viewer
DATABASE_URL=postgresql://tracer:secret@db/tracer
TRACER_READ_DATABASE_URL=postgresql://tracer:secret@replica/tracer
TRACER_INIT_PROJECT_ID=acme=The shop
LANGFUSE_INIT_PROJECT_PUBLIC_KEY=pk
TRACER_INIT_PROJECT_SECRET_KEY=sk-0123456789
TRACER_ENDPOINT=http://127.0.0.1:4318
PATH=/usr/bin
"""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("TRACER_PORT=70000", "TRACER_PORT='70000': out of range"),
        ("TRACER_WORKERS=two", "TRACER_WORKERS='two': expected a whole number"),
        ("TRACER_WORKER=2", "TRACER_WORKER: there is no such setting; meant TRACER_WORKERS?"),
        ("TRACER_LOGIN=sometimes", "TRACER_LOGIN: expected always"),
        ("TRACER_LOGIN=https://c:hunter2@x.example/?odd=1", "TRACER_LOGIN: unknown 'odd'"),
        ("TRACER_TRUSTED_PROXIES=nginx", "TRACER_TRUSTED_PROXIES: 'nginx' is no address"),
        ("TRACER_URL_PREFIX=tracer", "TRACER_URL_PREFIX='tracer': expected a path"),
        ("DATABASE_URL=mysql://hunter2@x", "DATABASE_URL: expected postgresql://"),
        ("TRACER_ALLOWED_HOSTS=https://x/", "TRACER_ALLOWED_HOSTS: expected names"),
        ("export TRACER_PORT=1", "expected NAME=VALUE without `export`"),
        ("TRACER_PORT = 1", "expected NAME=VALUE, without space"),
        ("TRACER_INIT_PROJECT_SECRET_KEY=hunter2", "TRACER_INIT_PROJECT_ID, TRACER_INIT_PROJECT"),
        ("TRACER_INIT_PROJECT_ID=a/b", "TRACER_INIT_PROJECT_ID: expected 1 to"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "tracer.env"
    file.write_text(f"# A comment.\n\n{line}\n")
    done = CliRunner().invoke(config, ["check", str(file)])
    assert done.exit_code == 1
    [printed] = done.output.splitlines()
    assert printed.startswith(f"{file}:3: {words}")
    assert "hunter2" not in printed


def test_all_mistakes_of_a_file_are_listed_in_order(tmp_path: Path) -> None:
    file = tmp_path / "tracer.env"
    file.write_text(f"{GOOD}TRACER_PORT=x\nTRACER_ALLOWED_HOSTS=again\nnonsense\n")
    printed = CliRunner().invoke(config, ["check", str(file)]).output.splitlines()
    last = len(GOOD.splitlines())
    assert [line.split(": ")[0] for line in printed] == [f"{file}:{last + n}" for n in (1, 2, 3)]
    assert "line 3 sets it as well" in printed[1]


def test_settings_without_a_mistake_are_a_success(tmp_path: Path) -> None:
    file = tmp_path / "tracer.env"
    file.write_text(GOOD)
    done = run_tracer("config", "check", str(file))
    assert (done.returncode, done.stdout) == (0, f"{file}: no mistakes\n")
    done = run_tracer("config", "check", TRACER_THREADS="0")
    assert done.returncode == 1
    assert done.stdout == "environment: TRACER_THREADS='0': out of range\n"
