"""The routes and parameters that the newest packages call are served, or named as not served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.langfuse.sdks import SDKS, Sdk
from tests.support import environments
from tests.support.openapi import described_names, served_operations
from tracer.web.langfuse.not_served import why_not_served
from tracer.web.langfuse.routes import PREFIX

pytestmark = pytest.mark.slow

NEWEST: Final = [
    sdk for sdk in SDKS if sdk.title in ("Python 4", "Python 5", "JavaScript 4", "JavaScript 5")
]
LEAST_CALLS: Final = 60
_PYTHON_CALL: Final = re.compile(
    r"httpx_client\.(?:request|stream)\(\s*f?\"([^\"]+)\",(.*?)(?:request_options=|\n {8}\))", re.S
)
_PYTHON_ID: Final = re.compile(r"\{\w+\((\w+)\)\}")
_JS_CALL: Final = re.compile(r"Timeout exceeded when calling ([A-Z]+) (/\S+)\.\"")


class Call(NamedTuple):
    """A route that a package calls: names of ids are left out of its path."""

    method: str
    path: str
    names: frozenset[str]
    """Parameters and fields of the body, where the package's source lists them."""


def calls_of(sdk: Sdk) -> set[Call]:
    """Return what the newest package of a generation calls."""
    if sdk.application.endswith(".mjs"):
        directory = environments.node(sdk.name, sdk.requirements)
        source = directory / "node_modules/@langfuse/core/dist/index.mjs"
        calls = _JS_CALL.findall(source.read_text())
        return {Call(method, _without_ids(path), frozenset()) for method, path in calls}
    interpreter = environments.python(sdk.name, sdk.requirements)
    [package] = interpreter.parent.parent.glob("lib/python3*/site-packages/langfuse/api")
    return {call for source in package.rglob("raw_client.py") for call in _python_calls(source)}


def _python_calls(source: Path) -> Iterator[Call]:
    for path, arguments in _PYTHON_CALL.findall(source.read_text()):
        [method] = re.findall(r"method=\"(\w+)\"", arguments)
        names = frozenset(re.findall(r"^ {16}\"(\w+)\":", arguments, re.M))
        yield Call(method, _without_ids("/" + _PYTHON_ID.sub(r"{\1}", path)), names)


def _without_ids(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


@pytest.mark.parametrize("sdk", NEWEST, ids=lambda sdk: sdk.title)
def test_every_call_of_the_newest_packages_is_served_or_named(
    app: Flask, client: FlaskClient, sdk: Sdk
) -> None:
    try:
        calls = calls_of(sdk)
    except environments.CannotInstall as reason:
        pytest.skip(f"can't run here: {reason}")
    served = {(method, _without_ids(path)) for path, method in served_operations(app, PREFIX)}
    described = {
        (method, _without_ids(path)): names
        for (path, method), names in described_names(
            client.get(f"{PREFIX}/openapi.json").get_json()
        ).items()
    }
    assert len(calls) > LEAST_CALLS
    for call in calls:
        operation = (call.method, call.path)
        if operation not in served:
            assert why_not_served(call.path.removeprefix(f"{PREFIX}/")), call
        elif operation in described:
            assert call.names <= described[operation], call
