"""A model call's input, compared with the calls before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracer.analysis.context.calls import Call
from tracer.analysis.context.compare import CACHED, CHANGED, NEW, REPEATED, Context, compare
from tracer.analysis.context.misses import (
    COMPACTED,
    EXPIRED,
    MESSAGE_CHANGED,
    TOOLS_CHANGED,
    TOOLS_REORDERED,
    UNKNOWN,
)

START = datetime(2026, 1, 2, 3, tzinfo=UTC)
SYSTEM = "You are a helpful agent. Today is Monday. " * 30


def message(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


CHAT = [
    message("system", SYSTEM),
    message("user", "export the invoices " * 20),
    message("assistant", "I look at the logs " * 20),
    message("tool", "timeout after 60 seconds " * 40),
]


def call(messages: list[Any], name: str = "now", minute: float = 1.0, **fields: Any) -> Call:
    return Call(
        span_id=name,
        name=name,
        start_time=START + timedelta(minutes=minute),
        input=messages,
        **{"tools": [], **fields},
    )


def compared(now: Call, *earlier: Call) -> Context:
    context = compare(now, earlier)
    assert context is not None
    return context


def states(context: Context) -> list[str]:
    return [message.state for message in context.messages]


def test_a_history_that_grows_is_known_and_its_end_new() -> None:
    context = compared(call(CHAT), call(CHAT[:2], "before", 0))
    assert states(context) == [REPEATED, REPEATED, NEW, NEW]
    assert context.previous_id == "before"
    assert context.miss is None
    assert context.sent_before is None


def test_tokens_are_shared_out_by_length_and_add_up() -> None:
    context = compared(call(CHAT, input_tokens=10_000), call(CHAT[:2], "before", 0))
    assert sum(context.tokens.values()) - 10_000 in range(-3, 4)
    assert context.tokens[REPEATED] == context.sent_before
    sizes = [len(str(item["content"])) for item in CHAT]
    for shown, size in zip(context.messages, sizes, strict=True):
        assert abs((shown.tokens or 0) - 10_000 * size / sum(sizes)) < 150


def test_what_was_read_from_the_cache_is_marked_from_the_start_on() -> None:
    now = call(CHAT, input_tokens=10_000, cache_read=4_300)
    context = compared(now, call(CHAT[:3], "before", 0))
    assert states(context) == [CACHED, REPEATED, REPEATED, NEW]


def test_a_date_in_the_system_prompt_is_why_the_cache_missed() -> None:
    changed = [message("system", SYSTEM.replace("Monday", "Tuesday")), *CHAT[1:]]
    now = call(changed, input_tokens=10_000, cache_read=0)
    context = compared(now, call(CHAT, "before", 0))
    assert states(context) == [CHANGED, REPEATED, REPEATED, REPEATED]
    miss = context.miss
    assert miss is not None
    assert (miss.reason, miss.number) == (MESSAGE_CHANGED, 1)
    assert SYSTEM[: miss.character].endswith("Today is ")
    assert next(piece.text for piece in miss.difference if piece.change == "removed") == "Monday"
    assert next(piece.text for piece in miss.difference if piece.change == "added") == "Tuesday"


def test_tools_in_another_order_are_told_from_other_tools() -> None:
    tools = [{"name": name, "description": name * 200} for name in "abc"]
    before = call(CHAT, "before", 0, tools=tools)
    fields: dict[str, Any] = {"input_tokens": 10_000, "cache_read": 0}
    reordered = compared(call(CHAT, tools=tools[::-1], **fields), before)
    assert reordered.miss is not None
    assert reordered.miss.reason == TOOLS_REORDERED
    other = compared(call(CHAT, tools=tools[:2], **fields), before)
    assert other.miss is not None
    assert other.miss.reason == TOOLS_CHANGED
    assert other.messages[0].role == "tools"


def test_a_conversation_that_became_shorter_was_compacted() -> None:
    short = [CHAT[0], message("user", "Summary: exports time out.")]
    long = [*CHAT, *[message("tool", "a long result " * 400)]]
    context = compared(call(short, input_tokens=2_000, cache_read=0), call(long, "before", 0))
    assert context.miss is not None
    assert (context.miss.reason, context.miss.number) == (COMPACTED, 2)


def test_a_cache_expires_and_may_miss_without_a_reason() -> None:
    before = call(CHAT, "before", 0)
    late = compared(call(CHAT, minute=12, input_tokens=10_000, cache_read=0), before)
    assert late.miss is not None
    assert (late.miss.reason, late.miss.minutes) == (EXPIRED, 12)
    soon = compared(call(CHAT, minute=1, input_tokens=10_000, cache_read=0), before)
    assert soon.miss is not None
    assert soon.miss.reason == UNKNOWN
    in_time = compared(call(CHAT, minute=1, input_tokens=10_000, cache_read=9_900), before)
    assert in_time.miss is None
    # Providers cache no shorter beginnings.
    assert compared(call(CHAT, input_tokens=900, cache_read=0), before).miss is None


def test_the_call_of_the_same_agent_is_compared() -> None:
    other_agent = [message("system", "Another agent. " * 50), message("user", "hello")]
    context = compared(
        call(CHAT, minute=3), call(CHAT[:3], "mine", 1), call(other_agent, "other", 2)
    )
    assert context.previous_id == "mine"
    again = compared(call(CHAT, minute=3), call(CHAT[:3], "old", 1), call(CHAT[:3], "last", 2))
    assert again.previous_id == "last"


def test_a_missing_list_of_tools_is_no_common_beginning() -> None:
    other_agent = [message("user", "hello")]
    tools = [{"name": "find"}]
    context = compared(
        call(CHAT, minute=3), call(other_agent, "other", 1), call(CHAT[:3], "mine", 2, tools=tools)
    )
    assert context.previous_id == "mine"


def test_what_caching_would_have_saved() -> None:
    now = call(
        CHAT,
        input_tokens=10_000,
        cache_read=1_000,
        input_price=Decimal("0.000003"),
        cache_read_price=Decimal("0.0000003"),
    )
    context = compared(now, call(CHAT, "before", 0))
    assert context.avoidable_cost == Decimal("0.0000027") * 9_000


def test_a_call_without_messages_or_predecessors_is_not_compared() -> None:
    assert compare(call(CHAT), []) is None
    assert compare(call([]), [call(CHAT, "before", 0)]) is None


texts = st.text("ab ", max_size=12)
chats = st.lists(
    st.builds(message, st.sampled_from(["user", "assistant", "tool"]), texts), max_size=8
)


@given(before=chats, now=chats)
def test_states_agree_with_a_plain_comparison(
    before: list[dict[str, str]], now: list[dict[str, str]]
) -> None:
    context = compare(call(now, input_tokens=1_000), [call(before, "before", 0)])
    if context is None:
        assert not before or not now
        return
    same = True
    for position, shown in enumerate(context.messages):
        same = same and position < len(before) and before[position] == now[position]
        if same or now[position] in before:
            assert shown.state == REPEATED
        else:
            assert shown.state in (NEW, CHANGED)
