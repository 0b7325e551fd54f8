"""The requests that each SDK wrote when it was last run, sent again without the SDKs."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.langfuse import recording
from tests.langfuse.checks import check
from tests.langfuse.sdks import SDKS, Sdk

WRITTEN = ("decorators", "nested generation", "scores", "OpenAI", "LangChain", "LiteLLM")
"""Features that only write; the others read, or need the server itself."""


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.title)
def test_a_recording_of_an_sdk_gives_the_same_result(client: FlaskClient, sdk: Sdk) -> None:
    ran, written = recording.read(sdk)

    def read(path: str, **query: Any) -> Any:
        answer = client.get(f"/api/public/{path}", query_string=query)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    # Twice, as after an answer that was lost.
    for request in [*written, *written]:
        answer = client.post(request.path, data=request.body, content_type=request.content_type)
        assert answer.status_code in (200, 202, 207), answer.text
        assert answer.status_code != 207 or answer.get_json()["errors"] == []
    features = [feature for feature in sdk.features if feature in WRITTEN]
    assert written
    assert features
    for feature in features:
        check(feature, ran, read)
