"""The difference of two texts by words."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from tracer.analysis.word_diff import ADDED, CUT, EQUAL, REMOVED, first_difference, word_diff

texts = st.text("ab ,\n", max_size=60)


@given(before=texts, after=texts)
def test_the_pieces_make_up_both_texts(before: str, after: str) -> None:
    pieces = word_diff(before, after, around=1_000)
    if before == after:
        assert pieces == []
        return
    assert before.endswith("".join(p.text for p in pieces if p.change in (EQUAL, REMOVED)))
    assert after.endswith("".join(p.text for p in pieces if p.change in (EQUAL, ADDED)))
    assert any(piece.change in (REMOVED, ADDED) for piece in pieces)


@given(before=texts, after=texts)
def test_the_first_difference_is_that_of_a_plain_loop(before: str, after: str) -> None:
    difference = first_difference(before, after)
    if before == after:
        assert difference is None
        return
    assert difference is not None
    assert before[:difference] == after[:difference]
    assert before[difference : difference + 1] != after[difference : difference + 1]


def test_equal_text_far_from_a_change_is_cut() -> None:
    long = "word " * 200
    pieces = word_diff(f"{long}old {long}", f"{long}new {long}")
    assert [piece.change for piece in pieces] == [CUT, EQUAL, REMOVED, ADDED, EQUAL, CUT]
    assert len("".join(piece.text for piece in pieces)) < 200


def test_a_sentence_in_place_of_another_is_one_piece() -> None:
    pieces = word_diff("Say: the cat sat down.", "Say: my dogs ran down.")
    assert [(piece.change, piece.text) for piece in pieces] == [
        (EQUAL, "Say: "),
        (REMOVED, "the cat sat"),
        (ADDED, "my dogs ran"),
        (EQUAL, " down."),
    ]
    assert [piece.text for piece in word_diff("a b", "a x y b")] == ["a ", "x y ", "b"]


def test_texts_of_a_megabyte_are_compared_at_once() -> None:
    long = "word " * 200_000
    started_at = time.process_time()
    pieces = word_diff(f"{long} old", f"{long} new")
    assert [p.text for p in pieces if p.change in (REMOVED, ADDED)] == ["old", "new"]
    word_diff(long + "a b" * 100_000, long + "c d" * 100_000)
    assert time.process_time() - started_at < 2
