"""Settings come from arguments, else from variables; whoever deploys can't break what runs."""

from __future__ import annotations

import logging

import pytest

import tracer.sdk as tracer
from tracer.sdk._config import read_config


def test_arguments_win_over_variables_and_these_over_defaults() -> None:
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


def test_a_variable_that_cannot_be_used_is_told_of_and_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    environ = {"TRACER_SAMPLE": "1.5", "TRACER_ENABLED": "perhaps", "TRACER_RELEASE": "1.2"}
    with caplog.at_level(logging.WARNING, "tracer.sdk"):
        config = read_config({}, environ)
    assert (config.sample, config.enabled, config.release) == (1.0, True, "1.2")
    assert [record.message for record in caplog.records] == [
        "TRACER_ENABLED='perhaps' can't be used and is passed over",
        "TRACER_SAMPLE='1.5' can't be used and is passed over",
    ]


def test_an_argument_that_cannot_be_meant_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"sample=1\.5: expected shares between 0 and 1"):
        tracer.init(sample=1.5)
