"""Langfuse's own SDKs, unmodified, against a served instance: nothing but the address changed."""

from __future__ import annotations

import base64
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.langfuse import docs, recording
from tests.langfuse.checks import check
from tests.langfuse.sdks import PUBLIC, SDKS, SECRET, Sdk, run
from tests.support.environments import CannotInstall
from tests.support.serving import serving

pytestmark = pytest.mark.slow


@pytest.fixture(params=SDKS, ids=lambda sdk: sdk.title)
def sdk(request: pytest.FixtureRequest) -> Sdk:
    chosen: Sdk = request.param
    return chosen


@pytest.fixture
def url(data_dirs: Path, sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:  # noqa: ARG001 - the fixture comes first
    """A server with a project of this SDK alone, whose key is made at the start."""
    directory = data_dirs / f"sdk{SDKS.index(sdk)}"
    with serving(
        data_dir=directory,
        LANGFUSE_INIT_PROJECT_ID="acme",
        LANGFUSE_INIT_PROJECT_PUBLIC_KEY=PUBLIC,
        LANGFUSE_INIT_PROJECT_SECRET_KEY=SECRET,
    ) as serve:
        yield serve.url


def test_an_sdk_works_with_only_its_url_changed(sdk: Sdk, url: str) -> None:
    def read(path: str, **query: Any) -> Any:
        pair = base64.b64encode(f"{PUBLIC}:{SECRET}".encode()).decode()
        address = f"{url}/api/public/{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(address, headers={"Authorization": f"Basic {pair}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    # The proxy stays until the end: links that an SDK printed lead to it.
    with recording.proxy(url) as (address, written):
        try:
            ran = run(sdk, address)
        except CannotInstall as reason:
            pytest.skip(f"can't run here: {reason}")
        requests = [*written]
        wrong: dict[str, str] = {}
        for feature in sdk.features:
            try:
                check(feature, ran, read)
            except (AssertionError, KeyError, ValueError) as error:
                wrong[feature] = f"{type(error).__name__}: {error}"
    docs.note(sdk, ran.version, wrong)
    if not wrong:
        recording.keep(sdk, ran, requests)
    assert wrong == {}, ran.output
