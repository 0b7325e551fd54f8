"""The calls of `ours.py` with Langfuse's SDK, in a separate environment."""

from __future__ import annotations

import os

from langfuse import Langfuse, observe

from bench.sdk_calls.timing import ANSWER, MESSAGES, measure

langfuse = Langfuse(public_key="pk-bench", secret_key="sk-bench", host=os.environ["SINK"])


def nothing() -> None:
    """Do nothing."""


def generation() -> None:
    with langfuse.start_as_current_observation(
        name="chat", as_type="generation", model="gpt-4o", input=MESSAGES
    ) as call:
        call.update(output=ANSWER, usage_details={"input": 812, "output": 64})


measure(observed=observe(nothing), generation=generation)
