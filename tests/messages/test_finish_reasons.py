"""Why an answer ended, read out of the answer in the shapes of APIs and frameworks."""

from __future__ import annotations

from typing import Any

import pytest

from tracer.messages.finish_reasons import finish_reasons

MESSAGE = {"role": "assistant", "content": "cut"}


@pytest.mark.parametrize(
    ("output", "reasons"),
    [
        ([{**MESSAGE, "finish_reason": "length"}], ["length"]),
        ({"choices": [{"message": MESSAGE, "finish_reason": "length"}]}, ["length"]),
        ({"choices": [{"finish_reason": "stop"}, {"finish_reason": "length"}]}, ["stop", "length"]),
        ({**MESSAGE, "type": "message", "stop_reason": "max_tokens"}, ["max_tokens"]),
        ({"output": {"message": MESSAGE}, "stopReason": "max_tokens"}, ["max_tokens"]),
        ({"candidates": [{"content": {}, "finishReason": "MAX_TOKENS"}]}, ["MAX_TOKENS"]),
        ({"message": MESSAGE, "done_reason": "length"}, ["length"]),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            ["max_output_tokens"],
        ),
        ([{"message": "cut", "finish_reason": "max_tokens"}], ["max_tokens"]),
        ([{"message": {**MESSAGE, "finish_reason": "length"}}], ["length"]),
        (
            {"generations": [[{"text": "cut", "generation_info": {"finish_reason": "length"}}]]},
            ["length"],
        ),
        (
            [{"kwargs": {"response_metadata": {"finish_reason": "length"}}}],
            ["length"],
        ),
        (
            {
                "generations": [
                    [{"message": {"kwargs": {"response_metadata": {"stop_reason": "x"}}}}]
                ]
            },
            ["x"],
        ),
        ({"type": "ai", "response_metadata": {"finish_reason": "length"}}, ["length"]),
        (
            {"messages": [MESSAGE, {"response_metadata": {"finish_reason": "length"}}]},
            ["length"],
        ),
        ({"results": [{"outputText": "cut", "completionReason": "LENGTH"}]}, ["LENGTH"]),
        ({"outputs": [{"text": "cut", "stop_reason": "length"}]}, ["length"]),
        ([MESSAGE], []),
        ([MESSAGE, MESSAGE], []),
        ({"choices": []}, []),
        ({"choices": "length"}, []),
        ({"finish_reason": 3, "choices": [None, 5, {"finish_reason": ""}]}, []),
        ("length", []),
        (None, []),
    ],
)
def test_the_reasons_of_an_answer_are_found(output: Any, reasons: list[str]) -> None:
    assert finish_reasons(output) == reasons
