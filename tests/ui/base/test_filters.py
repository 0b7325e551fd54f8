"""The filter form: it shows the filters of the URL, with links that remove each of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from werkzeug.datastructures import MultiDict

from tracer.ui.base.filters import BadFilter, Filters

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def filters(**values: str) -> Filters:
    fields = ("status", "name", "from", "to")
    return Filters(MultiDict({name.strip("_"): v for name, v in values.items()}), fields, "/list")


def test_blank_and_unknown_fields_are_no_filters() -> None:
    assert not filters(status=" ", name="", other="x")


def test_each_chip_leads_to_the_list_without_its_filter() -> None:
    chips = filters(status="error", name="a b&c").chips()
    assert [(chip.label, chip.value, chip.url) for chip in chips] == [
        ("status", "error", "/list?name=a+b%26c"),
        ("name", "a b&c", "/list?status=error"),
    ]


def test_the_next_page_keeps_the_filters() -> None:
    assert filters(status="error").url(cursor="abc") == "/list?status=error&cursor=abc"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("24h", NOW - timedelta(hours=24)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-23T10:30", datetime(2026, 11, 23, 10, 30, tzinfo=UTC)),
        ("2026-11-23T10:30:00+01:00", datetime(2026, 11, 23, 9, 30, tzinfo=UTC)),
    ],
)
def test_times_are_absolute_or_relative_to_now(text: str, time: datetime) -> None:
    assert filters(from_=text).time("from", NOW) == time


def test_an_invalid_time_is_refused_with_its_field() -> None:
    with pytest.raises(BadFilter, match=r"from='yesterday': expected a time like"):
        filters(from_="yesterday").time("from", NOW)


def test_a_value_in_use_stays_in_its_pick_list() -> None:
    pick = filters(name="gone").pick_list("name", "Any name", ["a"])
    assert pick.options == [("gone", "gone"), ("a", "a")]
    assert pick.chosen == "gone"


def test_a_relative_time_is_not_put_into_a_field_that_takes_none() -> None:
    form = filters(from_="24h", to="2026-11-23T10:30:00+01:00")
    assert (form.local("from"), form.local("to")) == ("", "2026-11-23T10:30:00")
