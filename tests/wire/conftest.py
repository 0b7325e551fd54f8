"""What the tests of the wire tell at the end of a run."""

from __future__ import annotations

import pytest

AGREEMENT = pytest.StashKey[list[str]]()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash.get(AGREEMENT, []):
        terminalreporter.write_line(line)
