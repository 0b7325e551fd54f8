"""Pydantic AI, https://ai.pydantic.dev/logfire/: its names beside OpenTelemetry's."""

from __future__ import annotations

from typing import Final

from tracer.records import Json
from tracer.wire.dialects.gen_ai import conversation
from tracer.wire.dialects.parsers import (
    amount,
    constant,
    objects,
    opened,
    present,
    text,
    value_at,
)
from tracer.wire.dialects.table import Dialect, Rule
from tracer.wire.dialects.usage_rules import inclusive_cost, usage_rules


def _messages_before_answer(value: Json) -> list[Json] | None:
    """Return the messages before the answer in a list of OpenTelemetry's events."""
    events = objects(value)
    if not events or not all("event.name" in event for event in events):
        return None
    return [event for event in events if event["event.name"] != "gen_ai.choice"] or None


def _answered(value: Json) -> list[Json] | None:
    events = objects(value) or []
    return [event for event in events if event.get("event.name") == "gen_ai.choice"] or None


DIALECT: Final = Dialect(
    "pydantic_ai",
    scopes=("pydantic-ai", "pydantic_ai*"),
    rules=(
        Rule("input", "pydantic_ai.all_messages", present, "messages", conversation, json=True),
        Rule("input", "all_messages_events", objects, json=True),
        Rule("input", "events", _messages_before_answer, json=True),
        Rule("output", "events", _answered, json=True),
        Rule("output", "final_result", opened, json=True),
        Rule("input", "tool_arguments", opened, json=True),
        Rule("output", "tool_response", opened, json=True),
        Rule("requested_model", "model_name", text, scoped=True),
        Rule(
            "tools",
            "model_request_parameters",
            value_at("function_tools", parse=objects),
            json=True,
            keep=True,
            late=True,
        ),
        # The usage of an agent's run including its calls.
        *usage_rules("gen_ai.aggregated_usage."),
        Rule("cost", "operation.cost", amount, "total", inclusive_cost),
        Rule("kind", "agent_name", constant("agent"), keep=True, late=True, scoped=True),
        Rule("kind", "pydantic_ai.all_messages", constant("agent"), late=True, detail=True),
    ),
)
