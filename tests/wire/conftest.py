"""The line that the tests of the wire format print at the end of a run."""

from __future__ import annotations

import pytest

from tests.support.wire.correspondence import AGREEMENT


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was recorded, in whichever process the test ran."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, lines in report.user_properties:
                if name == AGREEMENT:
                    for line in lines:
                        terminalreporter.write_line(line)
