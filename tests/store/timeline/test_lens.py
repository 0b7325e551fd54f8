"""The spans of a lens, page by page: the same from the stored index as in memory."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from flask import Flask

from tests.support.store.rows import put
from tests.support.traces.records import T0, span
from tracer.store import thresholds
from tracer.store.database.paging import decode_cursor
from tracer.store.timeline.fill import fill
from tracer.store.timeline.lens import LENSES, LensPage, Part, read_lens

SECOND = 1_000_000


def story() -> list[Any]:
    """Return a root, branches that start one after the other, and two leaves of each."""
    made: list[Any] = [span("root", kind="agent")]
    for n in range(60):
        time = T0 + n * SECOND
        made.append(span(f"b{n:02}", "root", kind="chain", start_time=time))
        kind = "generation" if n % 2 else "function"
        made.append(span(f"l{n:02}", f"b{n:02}", kind=kind, start_time=time + 5 * SECOND))
        level = "error" if n % 3 else "default"
        made.append(span(f"x{n:02}", f"b{n:02}", start_time=time, level=level))
    return made


def read(lens: str, part: Part = Part()) -> LensPage:  # noqa: B008 - an empty tuple of values
    page = read_lens("default", "t", lens, part, 7)
    assert page is not None
    return page


def ids(page: LensPage) -> list[str]:
    return [row.span_id for row in page.spans.rows]


@pytest.mark.parametrize("stored", [False, True])
def test_a_lens_is_read_page_by_page_in_both_directions(
    app: Flask,
    connection: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    stored: bool,
) -> None:
    put(connection, *story())
    wanted = {
        "model": [f"l{n:02}" for n in range(1, 60, 2)],
        "tools": [f"l{n:02}" for n in range(0, 60, 2)],
        "errors": [f"x{n:02}" for n in range(60) if n % 3],
    }
    with app.app_context():
        if stored:
            monkeypatch.setattr(thresholds, "MAX_SPANS_IN_MEMORY", 10)
            assert read_lens("default", "t", "model", Part(), 7) is None
            # Failed spans have an index of their own.
            assert ids(read("errors")) == wanted["errors"][:7]
            fill(connection, "default", "t")
        for lens in LENSES:
            page, pages = read(lens), []
            assert page.spans.earlier is None
            while page.spans.later:
                pages.append(page)
                page = read(lens, Part(decode_cursor(page.spans.later)))
            pages.append(page)
            assert [span_id for each in pages for span_id in ids(each)] == wanted[lens]
            assert page.spans.earlier is not None
            before = read(lens, Part(decode_cursor(page.spans.earlier)))
            assert ids(before) == ids(pages[-2])
            # From a span on, and up to one, as pages on the screen are read again.
            first, last = (decode_cursor(pages[n].spans.later or "") for n in (0, 1))
            again = read(lens, Part(first, inclusive=True, until=last))
            assert ids(again) == ids(pages[0])[-1:] + ids(pages[1])[:6]
            parents = {f"b{span_id[1:]}" for span_id in ids(pages[0])}
            assert set(pages[0].ancestors) == {"root", *parents}
