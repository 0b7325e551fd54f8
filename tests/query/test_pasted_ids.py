"""Pasted ids are recognised in every form in which people copy them."""

from __future__ import annotations

import pytest

from tracer.query.pasted_ids import PastedId, recognise

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "text",
    [
        TRACE,
        TRACE.upper(),
        f"  {TRACE}\n",
        f'"{TRACE}"',
        f"0x{TRACE}",
        "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
        "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736",
    ],
)
def test_a_trace_id_is_tried_as_opentelemetry_writes_it(text: str) -> None:
    pasted = recognise(text)
    assert pasted is not None
    assert TRACE in pasted.candidates
    assert pasted.kind == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"00-{TRACE}-{SPAN}-01", PastedId((TRACE,), "trace", SPAN)),
        (f"traceparent: 00-{TRACE.upper()}-{SPAN}-00", PastedId((TRACE,), "trace", SPAN)),
        (f"http://localhost:4318/project/p/traces/{TRACE}", PastedId((TRACE,), "trace")),
        (
            f"https://tracer.example/project/p/traces/{TRACE}?span={SPAN}&tab=io",
            PastedId((TRACE,), "trace", SPAN),
        ),
        (
            f"https://cloud.langfuse.example/project/c1/traces/{TRACE}?observation={SPAN}",
            PastedId((TRACE,), "trace", SPAN),
        ),
        ("https://host/project/p/sessions/chat%2F7", PastedId(("chat/7",), "session")),
        ("https://host/project/p/users/u%201", PastedId(("u 1",), "user")),
        ("order-1042", PastedId(("order-1042",))),
        ("https://host/elsewhere", None),
        ("  ", None),
        ("x" * 900, None),
    ],
)
def test_other_forms_name_what_they_lead_to(text: str, expected: PastedId | None) -> None:
    assert recognise(text) == expected
