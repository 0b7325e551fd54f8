"""Rules of usage: types are disjoint, add up to the sent total, and are those of every route."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.wire.otlp import decode_json, only_record, request, span
from tests.support.wire.usage_routes import ROUTES, camel_case, used
from tracer.mapping import mapping_of
from tracer.wire.usage.evidence import settle
from tracer.wire.usage.reading import read_cost, read_plain, read_usage
from tracer.wire.usage.shapes import CACHE_BESIDE, INSIDE, NORMALISED, OWN, layout

COUNTS = st.integers(1, 10_000)


class Shape(NamedTuple):
    """How a provider reports tokens: names, and which parts lie beside their whole."""

    wholes: tuple[str, str]
    total: str | None
    parts: dict[str, str]
    """Names by usage type."""
    beside: tuple[str, ...] = ()


OPENAI = ("prompt_tokens", "completion_tokens")
RESPONSES = ("input_tokens", "output_tokens")
SHAPES = {
    "OpenAI chat": Shape(
        OPENAI,
        "total_tokens",
        {
            "cache_read": "prompt_tokens_details.cached_tokens",
            "input_audio": "prompt_tokens_details.audio_tokens",
            "reasoning": "completion_tokens_details.reasoning_tokens",
            "output_audio": "completion_tokens_details.audio_tokens",
            "output_rejected_prediction": "completion_tokens_details.rejected_prediction_tokens",
        },
    ),
    "OpenAI responses": Shape(
        RESPONSES,
        "total_tokens",
        {
            "cache_read": "input_tokens_details.cached_tokens",
            "cache_write": "input_tokens_details.cache_write_tokens",
            "reasoning": "output_tokens_details.reasoning_tokens",
        },
    ),
    "Anthropic": Shape(
        RESPONSES,
        None,
        {"cache_read": "cache_read_input_tokens", "cache_write": "cache_creation_input_tokens"},
        ("cache_read", "cache_write"),
    ),
    "Gemini": Shape(
        ("prompt_token_count", "candidates_token_count"),
        "total_token_count",
        {
            "cache_read": "cached_content_token_count",
            "reasoning": "thoughts_token_count",
            "input_tool_use": "tool_use_prompt_token_count",
        },
        ("reasoning", "input_tool_use"),
    ),
    "Bedrock": Shape(
        RESPONSES,
        "total_tokens",
        {"cache_read": "cache_read_input_tokens", "cache_write": "cache_write_input_tokens"},
        ("cache_read", "cache_write"),
    ),
    "Cohere": Shape(("billed_units.input_tokens", "billed_units.output_tokens"), None, {}),
    "Mistral": Shape(OPENAI, "total_tokens", {"cache_read": "num_cached_tokens"}),
    "DeepSeek": Shape(
        OPENAI,
        "total_tokens",
        {
            "cache_read": "prompt_cache_hit_tokens",
            "reasoning": "completion_tokens_details.reasoning_tokens",
        },
    ),
    "Ollama": Shape(("prompt_eval_count", "eval_count"), None, {}),
    "LangChain": Shape(
        RESPONSES,
        "total_tokens",
        {
            "cache_read": "input_token_details.cache_read",
            "cache_write_5m": "input_token_details.ephemeral_5m_input_tokens",
            "input_audio": "input_token_details.audio",
            "reasoning": "output_token_details.reasoning",
        },
    ),
}


def nested(names: dict[str, Any]) -> dict[str, Any]:
    """Return an object with the values at their dotted names."""
    result: dict[str, Any] = {}
    for name, value in names.items():
        inner = result
        *containers, last = name.split(".")
        for container in containers:
            inner = inner.setdefault(container, {})
        inner[last] = value
    return result


def side(usage_type: str) -> int:
    return 1 if usage_type.startswith(("output", "reasoning")) else 0


@st.composite
def reports(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, int], int | None]:
    """A provider's object with some of its details, its true usage types, and the sent total."""
    shape = SHAPES[draw(st.sampled_from(sorted(SHAPES)))]
    by_type = {"input": draw(COUNTS), "output": draw(COUNTS)}
    for usage_type in draw(
        st.lists(st.sampled_from(sorted(shape.parts) or ["input"]), unique=True)
    ):
        if usage_type in shape.parts:
            by_type[usage_type] = draw(COUNTS)
    wholes = [by_type["input"], by_type["output"]]
    names: dict[str, Any] = {}
    for usage_type, number in by_type.items():
        if usage_type in shape.parts:
            names[shape.parts[usage_type]] = number
            wholes[side(usage_type)] += 0 if usage_type in shape.beside else number
    names |= dict(zip(shape.wholes, wholes, strict=True))
    total = sum(by_type.values()) if shape.total and draw(st.booleans()) else None
    if total is not None:
        names[str(shape.total)] = total
    sent = nested(names)
    return (camel_case(sent) if draw(st.booleans()) else sent), by_type, total


@given(reports(), st.sampled_from(sorted(ROUTES)))
def test_any_report_has_the_true_usage_types_on_any_route(
    report: tuple[dict[str, Any], dict[str, int], int | None], route: str
) -> None:
    sent, by_type, total = report
    record = ROUTES[route](sent, "gpt-4o")
    assert used(record) == by_type
    assert min(record.usage.values()) >= 0
    if total is not None:
        assert sum(record.usage.values()) == total
    assert record.flags == []


PARTS = {
    "cache_read.input_tokens": 0,
    "cache_creation.input_tokens": 0,
    "reasoning.output_tokens": 1,
}


@given(
    st.tuples(COUNTS, COUNTS), st.lists(COUNTS, min_size=3, max_size=3), st.sets(st.integers(0, 2))
)
def test_the_total_decides_which_parts_lie_beside_their_whole(
    plain: tuple[int, int], sizes: list[int], beside: set[int]
) -> None:
    wholes = list(plain)
    for index, part in enumerate(PARTS):
        wholes[side(part)] += 0 if index in beside else sizes[index]
    total = sum(plain) + sum(sizes)
    sent = {"input_tokens": wholes[0], "output_tokens": wholes[1], "total_tokens": total}
    usage = read_usage(sent | dict(zip(PARTS, sizes, strict=True)), INSIDE)
    assert sum(usage.by_type.values()) == total
    assert min(usage.by_type.values()) >= 0
    assert usage.note == {}


NAMES = (
    *("input_tokens", "prompt", "output_tokens", "total_tokens", "cached_tokens", "noCacheTokens"),
    *("cache_read_input_tokens", "cache_creation_input_tokens", "ephemeral_5m_input_tokens"),
    *("reasoning.output_tokens", "completion_tokens_details.reasoning_tokens", "input_text"),
    *("prompt_details.audio", "output_audio", "thoughts_token_count", "my_own", "input_of_mine"),
)
CONVENTIONS = (INSIDE, CACHE_BESIDE, NORMALISED, OWN)
SENT = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 30), min_size=1)


@given(SENT, st.sampled_from(CONVENTIONS))
def test_any_counts_become_usage_types_that_are_never_negative_nor_below_a_possible_total(
    sent: dict[str, int], convention: Any
) -> None:
    usage = read_usage(sent, convention)
    assert all(number >= 0 for number in usage.by_type.values())
    total = sent.get("total_tokens")
    if total is not None and usage.by_type and sum(usage.by_type.values()) != total:
        assert usage.note["unreconciled"]
        assert sum(usage.by_type.values()) > total


@given(SENT, st.sampled_from(CONVENTIONS))
def test_the_short_way_has_the_result_of_the_long_one(
    sent: dict[str, int], convention: Any
) -> None:
    names = layout(tuple(sent), convention)
    short = read_plain(sent, names.plain)
    if short is not None:
        terms: dict[str, int] = {}
        for name, term in names.terms:
            terms.setdefault(term, sent[name])
        assert settle(terms, names.beside, names.within) == (short, {}, 0)


@given(SENT, st.sampled_from(NAMES), st.sampled_from([None, "n/a", -1, 1.5, True, [], {}]))
def test_a_value_that_is_no_count_loses_only_itself(
    sent: dict[str, int], name: str, value: Any
) -> None:
    others = {key: number for key, number in sent.items() if key != name}
    usage = read_usage({**others, name: value}, INSIDE)
    assert usage.by_type == read_usage(others, INSIDE).by_type


def test_counts_larger_than_their_whole_are_cut_where_the_total_shows_the_whole() -> None:
    sent = {"output_tokens": 102, "reasoning.output_tokens": 109, "input_tokens": 50}
    usage = read_usage({**sent, "total_tokens": 152})
    assert usage.by_type == {"input": 50, "output": 0, "reasoning": 102}
    assert usage.note == {"unreconciled": True, "larger_than_whole": {"reasoning": 109}}
    assert read_usage(sent).by_type == {"input": 50, "output": 102, "reasoning": 109}


def test_more_cached_tokens_than_input_lie_beside_it_whatever_the_total() -> None:
    sent = {"input_tokens": 60, "cache_read.input_tokens": 4000, "output_tokens": 20}
    assert read_usage(sent).by_type == {"input": 60, "cache_read": 4000, "output": 20}
    with_total = read_usage({**sent, "total_tokens": 80})
    assert with_total.by_type == {"input": 60, "cache_read": 4000, "output": 20}
    assert with_total.note == {"unreconciled": True, "total": 80, "sum": 4080}


def test_a_total_and_one_side_give_the_other_side() -> None:
    assert read_usage({"input_tokens": 10, "total_tokens": 60}).by_type == {
        "input": 10,
        "output": 50,
    }
    assert read_usage({"prompt_tokens": 8, "total_tokens": 8}).by_type == {"input": 8}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"total_tokens": 60}, "what is missing is the usage type other"),
        ({"total_tokens": 10}, "all are kept as sent"),
        ({"total_tokens": 30, "reasoning.output_tokens": 25}, "reasoning was sent as 25"),
    ],
)
def test_a_contradiction_is_flagged_and_explained_and_its_attributes_stay(
    values: dict[str, int], sentence: str
) -> None:
    sent = {"input_tokens": 10, "output_tokens": 20, **values}
    record = only_record(span({f"gen_ai.usage.{name}": number for name, number in sent.items()}))
    assert record.flags == ["unreconciled"]
    assert {f"gen_ai.usage.{name}" for name in sent} <= record.attributes.keys()
    assert sentence in " ".join(mapping_of(record).usage)


@pytest.mark.parametrize(
    ("scope", "names", "expected"),
    [
        (
            "opentelemetry.instrumentation.botocore.bedrock-runtime",
            {"gen_ai.usage.cache_read.input_tokens": 40},
            {"input": 60, "cache_read": 40},
        ),
        ("litellm", {"gen_ai.usage.cache_read_input_tokens": 40}, {"input": 20, "cache_read": 40}),
        ("any", {"gen_ai.usage.cache_read_input_tokens": 40}, {"input": 60, "cache_read": 40}),
        ("any", {"gen_ai.usage.cache_read.input_tokens": 40}, {"input": 20, "cache_read": 40}),
    ],
)
def test_without_a_total_the_scope_decides(
    scope: str, names: dict[str, int], expected: dict[str, int]
) -> None:
    body = request(span({"gen_ai.usage.input_tokens": 60, **names}))
    body["resourceSpans"][0]["scopeSpans"][0]["scope"] = {"name": scope}
    [record] = decode_json(body).batch.spans
    assert record.usage == expected


@pytest.mark.parametrize("provider", ["anthropic.messages", "amazon-bedrock"])
def test_version_5_of_the_ai_sdk_counts_cached_tokens_of_some_providers_apart(
    provider: str,
) -> None:
    values = {
        "ai.usage.inputTokens": 1500,
        "ai.usage.outputTokens": 40,
        "ai.usage.totalTokens": 1540,
        "ai.usage.cachedInputTokens": 1200,
    }
    record = only_record(span({**values, "ai.model.provider": provider}))
    assert record.usage == {"input": 1500, "output": 40, "cache_read": 1200}
    record = only_record(span({**values, "ai.model.provider": "openai.chat"}))
    assert record.usage == {"input": 300, "output": 40, "cache_read": 1200}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"gen_ai.usage.cost": 0.5}, {"total": "0.5"}),
        ({"gen_ai.usage.total_cost": "0.5"}, {"total": "0.5"}),
        (
            {"gen_ai.usage.input_cost": 0.2, "gen_ai.usage.output_cost": 0.3},
            {"input": "0.2", "output": "0.3"},
        ),
        (
            {"llm.cost.prompt": 0.2, "llm.cost.total": 0.6, "llm.cost.completion": 0.3},
            {"input": "0.2", "output": "0.3", "other": "0.1"},
        ),
        ({"llm.usage.total_cost": 1}, {"total": "1"}),
    ],
)
def test_a_cost_is_given_under_any_of_its_names(
    names: dict[str, Any], expected: dict[str, str]
) -> None:
    record = only_record(span({"gen_ai.usage.input_tokens": 5, **names}))
    assert record.cost == {usage_type: Decimal(dollars) for usage_type, dollars in expected.items()}
    assert record.cost_source == "given"
    assert record.attributes == {}


@given(st.dictionaries(st.sampled_from(["input", "output", "cache_read", "total"]), COUNTS))
def test_the_cost_of_parts_never_exceeds_a_total_above_them(numbers: dict[str, int]) -> None:
    amounts = {name: Decimal(number) / 1000 for name, number in numbers.items()}
    cost = read_cost(amounts, OWN).by_type
    parts = sum((amount for name, amount in amounts.items() if name != "total"), Decimal(0))
    if "total" in amounts and amounts["total"] >= parts:
        assert sum(cost.values()) == amounts["total"]


def test_tokens_of_a_tier_add_nothing_and_name_the_tier() -> None:
    usage = read_usage({"input": 100, "output": 20, "input_priority": 100, "output_flex": 0}, OWN)
    assert usage.by_type == {"input": 100, "output": 20}
    assert usage.note == {"service_tier": "priority"}
    cached = {"input_priority": 60, "input_priority_cache_read": 40, "output_flex_reasoning": 5}
    assert read_usage({"input": 100, "output": 20, "total": 120, **cached}, OWN).by_type == {
        **{"input": 60, "cache_read": 40},
        **{"output": 15, "reasoning": 5},
    }
    assert read_usage({"input": 1, "service_tier": "flex"}, OWN).note == {"service_tier": "flex"}
    assert read_usage({"input": 1, "service_tier": "standard"}, OWN).note == {}


@pytest.mark.parametrize(
    ("provider", "fresh"),
    [
        ({"gen_ai.provider.name": "openai"}, 60),
        ({"gen_ai.system": "az.ai.openai"}, 60),
        ({"gen_ai.provider.name": "gcp.gemini"}, 60),
        ({"gen_ai.provider.name": "anthropic"}, 100),
        ({"gen_ai.system": "aws.bedrock"}, 100),
        ({}, 100),
    ],
)
def test_the_provider_decides_where_its_names_and_no_total_would(
    provider: dict[str, str], fresh: int
) -> None:
    counts = {"input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 40}
    sent = {f"gen_ai.usage.{name}": count for name, count in counts.items()}
    expected = {"input": fresh, "output": 10, "cache_read": 40}
    assert only_record(span(provider | sent)).usage == expected
    # The provider alone is no usage, and more cached tokens than input lie beside it.
    assert only_record(span({**provider, "gen_ai.request.model": "m"})).usage == {}
    more = {**sent, "gen_ai.usage.cache_read_input_tokens": 400}
    assert only_record(span(provider | more)).usage == {**expected, "input": 100, "cache_read": 400}
