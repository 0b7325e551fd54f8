"""What each SDK wrote when it was last driven, sent again: the contract holds without the SDKs."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.langfuse import recording
from tests.langfuse.sdks import SDKS, Sdk, check

WRITTEN = ("decorators", "nested generation", "scores", "OpenAI", "LangChain", "LiteLLM")
"""What writes alone come to; the rest is reads, or needs the server itself."""


@pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.title)
def test_what_an_sdk_wrote_comes_to_the_same(client: FlaskClient, sdk: Sdk) -> None:
    ran, written = recording.read(sdk)

    def read(path: str, **query: Any) -> Any:
        answer = client.get(f"/api/public/{path}", query_string=query)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    # Twice, as after an answer that was lost.
    for one in [*written, *written]:
        answer = client.post(one.path, data=one.body, content_type=one.content_type)
        assert answer.status_code in (200, 202, 207), answer.text
        assert answer.status_code != 207 or answer.get_json()["errors"] == []
    features = [feature for feature in sdk.features if feature in WRITTEN]
    assert written and features
    for feature in features:
        check(feature, ran, read)
