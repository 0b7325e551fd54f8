"""JSON as lines that fold: their number is bounded, and each cut part has a page by its pointer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer import exact_json
from tracer.ui.render.excerpt import parse
from tracer.ui.render.json_tree import Item, resolve, view

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=30,
)


def walk(item: Item) -> Iterator[Item]:
    yield item
    for inner in item.items:
        yield from walk(inner)


@given(VALUES)
def test_each_line_has_the_pointer_of_the_value_it_shows(value: Any) -> None:
    for item in walk(view(value, "")):
        shown = resolve(value, item.pointer)
        assert item.size == (len(shown) if isinstance(shown, dict | list) else 0)


def test_long_lists_are_shown_page_by_page() -> None:
    numbers = list(range(250))
    first = view(numbers, "/x")
    assert (len(first.items), first.remaining) == (100, 150)
    second = view(numbers, "/x", 100)
    assert (second.items[0].text, second.remaining) == ("100", 50)


def test_deep_values_end_in_a_link() -> None:
    value: Any = "end"
    for _ in range(50):
        value = {"in": value}
    deepest = list(walk(view(value, "")))[-1]
    assert (deepest.remaining, deepest.items) == (1, [])
    assert resolve(value, deepest.pointer) != {}


def test_a_wide_and_deep_value_is_bounded_as_a_whole() -> None:
    value = [[[[i] * 90 for i in range(90)] for _ in range(90)] for _ in range(90)]
    assert len(list(walk(view(value, "")))) < 2000


def test_a_long_text_is_cut_unless_its_own_page_is_requested() -> None:
    text = "x" * 5000
    inner = view({"t": text}, "").items[0]
    assert (len(inner.text), inner.full_size) == (2001, "5.00 kB")
    assert view(text, inner.pointer).text == f'"{text}"'


@pytest.mark.parametrize("pointer", ["/no", "/list/9", "/list/x", "/text/0"])
def test_a_pointer_to_nothing_is_an_error(pointer: str) -> None:
    with pytest.raises(LookupError):
        resolve({"list": [1], "text": "abc"}, pointer)


def test_text_that_contains_json_is_parsed() -> None:
    assert parse('{"a": 1}') == {"a": 1}
    assert parse("{not json") == "{not json"
    assert parse("plain") == "plain"


def test_raw_is_indented_json_or_the_text_itself() -> None:
    assert exact_json.to_indented_text({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}'
    assert exact_json.to_indented_text("a\nb") == "a\nb"


PNG = "iVBORw0KGgo="


@pytest.mark.parametrize(
    ("value", "image", "audio"),
    [
        ({"picture": f"data:image/png;base64,{PNG}"}, f"data:image/png;base64,{PNG}", ""),
        ({"b64_json": PNG}, f"data:image/png;base64,{PNG}", ""),
        ({"sound": "data:audio/wav;base64,UklG"}, "", "data:audio/wav;base64,UklG"),
        ({"drawing": "data:image/svg+xml;base64,UklG"}, "", ""),
        ({"picture": "https://evil.example/i.png"}, "", ""),
        ({"b64_json": "not base64!"}, "", ""),
    ],
)
def test_a_text_that_holds_an_image_or_audio_shows_it(value: Any, image: str, audio: str) -> None:
    [item] = view(value, "").items
    assert (item.image, item.audio) == (image, audio)
