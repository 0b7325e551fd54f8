"""Payloads that are put together at once are the values that were split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.store.payloads import history, values
from tracer.store.parts.assemble import Assembler, PartKey
from tracer.store.parts.split import Part, Parts, encoder, split


class Stored:
    """The parts of a trace as the database holds them."""

    def __init__(self) -> None:
        self.parts: Parts = {}

    def split(self, value: Any) -> Any:
        text = encoder.encode(value)
        skeleton = split(value, len(text), self.parts)
        return None if skeleton is None else msgspec.json.decode(skeleton)

    def fetch(self, keys: list[PartKey], most: int) -> Iterator[tuple[str, bytes, str]]:
        everything = dict(_everything(self.parts))
        for trace_id, digest in keys:
            text = everything[digest].text
            most -= len(text)
            if most >= 0:
                yield trace_id, digest, text.decode()


def _everything(parts: Any) -> Iterator[tuple[bytes, Part]]:
    for digest, part in parts.items():
        yield digest, part
        yield from _everything(part.inner)


@given(st.lists(values, max_size=4))
@settings(max_examples=60, deadline=None)
@example([history(40), history(41)])
@example([{"messages": history(3), "text": "x" * 600, "list": ["a" * 700, "b", "c" * 700]}])
def test_any_values_come_back(sent: list[Any]) -> None:
    stored = Stored()
    skeletons = [(value, stored.split(value)) for value in sent]
    assembler = Assembler(stored.fetch, 10**9)
    assert assembler.load(("t", each) for _, each in skeletons if each is not None)
    for value, skeleton in skeletons:
        if skeleton is not None:
            assert assembler.value("t", skeleton) == value
            assert assembler.whole_text("t", skeleton) == encoder.encode(value).decode()


def test_what_values_have_in_common_is_one_object() -> None:
    stored = Stored()
    first, second = stored.split(history(10)), stored.split(history(12))
    assembler = Assembler(stored.fetch, 10**9)
    assembler.load([("t", first), ("t", second)])
    pairs = zip(assembler.value("t", first), assembler.value("t", second), strict=False)
    assert sum(left is right for left, right in pairs) > 5


def test_parts_beyond_the_limit_are_not_read() -> None:
    stored = Stored()
    skeleton = stored.split(history(40))
    assert not Assembler(stored.fetch, 1_000).load([("t", skeleton)])
