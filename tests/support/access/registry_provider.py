"""A third-party OpenID Connect provider, the npm package `oidc-provider`, on loopback."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.support.environments import node, node_command

CLIENT, SECRET = "tracer", "a secret+with%41 colon: and /"
_SCRIPT = Path(__file__).with_suffix(".mjs")
_PACKAGE = "oidc-provider@9"

People = dict[str, dict[str, Any]]


def login_setting(port: int, rules: str) -> str:
    """Return TRACER_LOGIN for the provider on this port."""
    return f"http://{CLIENT}:{quote(SECRET, safe='')}@127.0.0.1:{port}/?{rules}"


class RegistryProvider:
    """The running provider, and the people who can log in."""

    def __init__(self, port: int, people: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.people = people

    def know(self, people: People) -> None:
        """Let these people log in from now on, with these claims."""
        self.people.write_text(json.dumps(people))


@contextmanager
def registry_provider(
    port: int, redirect_uri: str, people: People, directory: Path
) -> Iterator[RegistryProvider]:
    """Run the provider for one client; raises CannotInstall where npm can't bring the package."""
    packages = node("oidc-provider", [_PACKAGE])
    provider = RegistryProvider(port, directory / "people.json")
    provider.know(people)
    arguments = ["--input-type=module", "--eval", _SCRIPT.read_text(), "--"]
    log = directory / "provider.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*(node_command(packages), *arguments, str(port), redirect_uri), str(provider.people)],
            cwd=packages,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first == "listening\n", log.read_text()
        yield provider
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout:
            process.stdout.close()
