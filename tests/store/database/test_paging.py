"""Keyset pages: cursors come back as they were, pages lead through all rows and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.store.database.paging import (
    BadCursor,
    Key,
    cut_page,
    decode_cursor,
    encode_cursor,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
Row = tuple[datetime, str]
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))
IDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(st.booleans(), TIMES, IDS)
def test_a_cursor_keeps_its_key_to_the_microsecond(
    forward: bool, time: datetime, row_id: str
) -> None:
    cursor = encode_cursor(forward, time, row_id)
    assert decode_cursor(cursor) == Key(forward, time, row_id)
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?#% ")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not base64!",
        "é",
        "WzEsMiwiYSJd",  # [1,2,"a"]
        "W3RydWUsIjEiLCJhIl0",  # [true,"1","a"]
        "W3RydWUsMSwiXHUwMDAwIl0",  # [true,1,"\u0000"]
        "W3RydWUsMTAwMDAwMDAwMDAwMDAwMDAwMDAwMCwiYSJd",  # a time beyond all years
    ],
)
def test_a_cursor_that_no_server_made_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(cursor)


def fetch(rows: list[Row], key: Key | None, limit: int) -> list[Row]:
    """Return up to ``limit`` rows beyond the key, in its direction: what a query selects."""
    if key is None:
        return rows[:limit]
    edge = key.time, key.row_id
    beyond = [row for row in rows if (row > edge if key.forward else row < edge)]
    return beyond[:limit] if key.forward else beyond[::-1][:limit]


@given(st.integers(0, 25), st.integers(1, 7))
def test_pages_lead_through_every_row_once_and_back_again(count: int, limit: int) -> None:
    rows = [(START + timedelta(microseconds=n // 3), f"{n:02}") for n in range(count)]
    pages: list[list[Row]] = []
    previous, following = None, None
    key: Key | None = None
    while key is None or following is not None:
        fetched = fetch(rows, key, limit + 1)
        page, previous, following = cut_page(fetched, limit, key, of=lambda row: row)
        assert (previous is not None) == bool(pages)
        pages.append(page)
        key = decode_cursor(following) if following else Key(True, START, "")
    assert [row for page in pages for row in page] == rows
    for expected in pages[-2::-1]:
        assert previous is not None
        key = decode_cursor(previous)
        page, previous, following = cut_page(
            fetch(rows, key, limit + 1), limit, key, of=lambda row: row
        )
        assert page == expected
        assert following is not None
    assert previous is None
