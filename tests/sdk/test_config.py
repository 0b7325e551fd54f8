"""Settings come from arguments, else from variables; an invalid variable stops no program."""

from __future__ import annotations

import logging

import pytest

import tracer.sdk as tracer
from tracer.sdk._config import read_config


def test_arguments_win_over_variables_and_variables_over_defaults() -> None:
    environ = {"TRACER_ENDPOINT": "https://there", "TRACER_SAMPLE": "0.25", "TRACER_RUNNING": " "}
    config = read_config({"endpoint": "https://here", "key": None}, environ)
    assert (config.endpoint, config.key) == ("https://here", None)
    assert (config.sample, config.running) == (0.25, True)


@pytest.mark.parametrize("text", ["0", "false", "no", "OFF"])
def test_a_switch_is_turned_off_by_any_usual_word(text: str) -> None:
    assert not read_config({}, {"TRACER_ENABLED": text}).enabled
    assert read_config({"enabled": True}, {"TRACER_ENABLED": text}).enabled


@pytest.mark.parametrize("text", ["1", "True", "yes", "on"])
def test_a_switch_is_turned_on_by_any_usual_word(text: str) -> None:
    assert read_config({}, {"TRACER_RUNNING": text}).running


def test_an_invalid_variable_is_logged_and_ignored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    environ = {"TRACER_SAMPLE": "1.5", "TRACER_ENABLED": "perhaps", "TRACER_RELEASE": "1.2"}
    with caplog.at_level(logging.WARNING, "tracer.sdk"):
        config = read_config({}, environ)
    assert (config.sample, config.enabled, config.release) == (1.0, True, "1.2")
    assert [record.message for record in caplog.records] == [
        "TRACER_ENABLED='perhaps' is invalid and ignored",
        "TRACER_SAMPLE='1.5' is invalid and ignored",
    ]


def test_an_invalid_argument_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"sample=1\.5: expected shares between 0 and 1"):
        tracer.init(sample=1.5)
