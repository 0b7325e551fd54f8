"""The eight worst cases for the layout of a page."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from tests.support.pages.sample_traces import TraceBuilder, chat_message

LONG = "very_long_name_" * 20
ARABIC = "ما هي أسباب ازدواج الفاتورة؟ تحقق من الطلب رقم ٤١٧ ثم أعد المبلغ."
HEBREW = "חשבונית כפולה: בדוק את ההזמנה"


def picture(width: int = 320, height: int = 200) -> str:
    """Return a PNG as a data URI."""
    rows = b"".join(
        b"\x00" + bytes(value for x in range(width) for value in (x % 256, y % 256, 128))
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    raw = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    encoded = base64.b64encode(b"\x89PNG\r\n\x1a\n" + raw).decode()
    return f"data:image/png;base64,{encoded}"


def long_names() -> TraceBuilder:
    fields: dict[str, Any] = {
        "name": LONG,
        "user_id": LONG,
        "session_id": LONG,
        "release": LONG,
        "tags": [LONG] * 3,
    }
    story = TraceBuilder("1" * 32, **fields).span("root", None, 0, 9, name=LONG, kind="agent")
    for n in range(6):
        story.generation(f"g{n}", "root", n, n + 1, name=LONG.replace("_", ""), model=LONG)
    return story.span("bad", "root", 7, 8, name=LONG, level="error", status_message=LONG * 3)


def forty_levels() -> TraceBuilder:
    story = TraceBuilder("2" * 32, name="forty levels").span("n0", None, 0, 80, kind="agent")
    for n in range(1, 40):
        story.span(f"n{n}", f"n{n - 1}", n, 80 - n, kind="chain", name=f"level {n} of many")
    return story


def short_beside_long() -> TraceBuilder:
    story = TraceBuilder("3" * 32, name="1 ms beside 10 min").span(
        "root", None, 0, 600, kind="agent"
    )
    for n in range(30):
        start = n * 0.002 if n < 15 else 599.9 + n * 0.001
        story.span(f"s{n}", "root", start, start + 0.001, kind="tool", name=f"blink {n}")
    return story.generation("long", "root", 1, 598, first_token=30)


def long_message() -> TraceBuilder:
    text = "The quick brown fox jumps over the lazy dog. " * 4_500
    story = TraceBuilder("4" * 32, name="200 kB")
    messages = [chat_message("system", text), chat_message("user", "x" * 200_000)]
    return story.generation("g", None, 0, 9, input=messages, output=chat_message("assistant", text))


def images() -> TraceBuilder:
    image = {"type": "image_url", "image_url": {"url": picture()}}
    large = {"type": "image_url", "image_url": {"url": picture(1_200, 500)}}
    parts = [{"type": "text", "text": "What is in these?"}, image, large]
    story = TraceBuilder("5" * 32, name="images")
    return story.generation("g", None, 0, 9, input=[{"role": "user", "content": parts}])


def right_to_left() -> TraceBuilder:
    story = TraceBuilder("6" * 32, name=ARABIC, user_id=HEBREW, tags=[HEBREW], session_id=ARABIC)
    story.span("root", None, 0, 9, name=ARABIC, kind="agent", input=[chat_message("user", ARABIC)])
    story.generation(
        "g", "root", 1, 5, name=HEBREW, input=[chat_message("user", f"{ARABIC}\n\n- {HEBREW}")]
    )
    return story.span("bad", "root", 5, 8, name=ARABIC, level="error", status_message=HEBREW)


def errors_everywhere() -> TraceBuilder:
    error = "CursorTimeout: the cursor “export” was idle for 60.02 s and has been closed"
    story = TraceBuilder("7" * 32, name="nothing works")
    story.span("root", None, 0, 40, kind="agent", level="error", status_message=error)
    for n in range(30):
        level = "warning" if n % 3 == 2 else "error"
        fields = {"level": level, "status_message": error, "flags": ["truncated", "cleaned"]}
        story.span(f"e{n}", "root", n, n + 3, kind="tool", name=f"try {n}", **fields)
    return story.span("orphan", "never_came", 20, 60, level="error", status_message=error)


def no_output() -> TraceBuilder:
    story = TraceBuilder("8" * 32).span("", None, 0, 0, name="")
    return story.span("open", None, 0, None, name="").span("event", "open", 1, 1, kind="event")


WORST_CASES = {
    story.__name__: story
    for story in (
        *(long_names, forty_levels, short_beside_long, long_message),
        *(images, right_to_left, errors_everywhere, no_output),
    )
}
