"""Which words find a span, with the word index and without it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.analysis.log.word_index import (
    Postings,
    find,
    members,
    members_before,
    word_range,
)
from tracer.analysis.log.words import index_words, matches, plain, raw_words, terms

TEXT = st.text(st.sampled_from('aAbBzZ09 _-."\\\né“Ⱥß東京都きİ'), max_size=30)


def finds(query: str, text: str) -> bool:
    query_terms = terms(query)
    assert query_terms
    return matches(plain(msgspec.json.encode(text)), query_terms)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("timeout", "a CursorTimeout at 60 s"),
        ("cursort", "a CursorTimeout at 60 s"),
        ("TIME", "timeouts"),
        ("refund_payment", "payment of a refund"),
        ("504 gateway", "504 Gateway Timeout"),
        ("line", "first\nline"),
        ("quoted", "“Quoted”"),
        ("東京", "これは東京都です"),
        ("都", "東京都"),
        ("straße", "Straße"),
    ],
)
def test_a_word_is_found_by_its_beginning_in_any_case(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("ursor", "CursorTimeout"),
        ("60", "600 s"),
        ("gateway 505", "504 Gateway Timeout"),
        ("nline", "first\nline"),
        ("東都", "東京都"),
    ],
)
def test_similar_words_are_not_found(query: str, text: str) -> None:
    assert not finds(query, text)


def test_an_embedded_image_has_no_words() -> None:
    text = plain(b'{"url": "data:image/png;base64,abcDEF+/9=", "alt": "cat"}')
    assert {b"cat", b"alt", b"url"} <= raw_words(text)
    assert not matches(text, terms("abc"))


@given(TEXT, TEXT)
def test_a_text_matches_a_query_as_the_index_of_its_words_does(query: str, text: str) -> None:
    words = {word for raw in raw_words(text.encode()) for word in index_words(raw)}
    query_terms = terms(query)
    expected = all(any(term.matches(word) for word in words) for term in query_terms)
    assert matches(text.encode(), query_terms) == expected


@given(TEXT)
def test_each_word_of_a_text_finds_the_text(text: str) -> None:
    query_terms = terms(text)
    assert query_terms or not any(character.isalnum() for character in text)
    for term in query_terms:
        assert matches(text.encode(), [term]), term


@given(st.lists(TEXT, max_size=12), TEXT)
def test_postings_hold_what_the_texts_hold(texts: list[str], query: str) -> None:
    postings = Postings()
    for entry, text in enumerate(texts):
        postings.add(entry, raw_words(text.encode()), [f"\x01mark {entry % 2}"])
    blocks = list(postings.blocks())
    assert [b.first_word for b in blocks] == sorted(b.first_word for b in blocks)
    for term in terms(query):
        low, high = word_range(term)
        met = [b for b in blocks if b.first_word <= high and b.last_word >= low]
        entries = find([block.body for block in met], term)
        expected = [n for n, text in enumerate(texts) if matches(text.encode(), [term])]
        assert list(members(entries)) == expected
        assert list(members_before(entries, 5)) == [n for n in reversed(expected) if n < 5]
        assert list(members(entries, 5)) == [n for n in expected if n >= 5]


def test_many_words_make_many_blocks_and_common_ones_a_set() -> None:
    postings = Postings()
    for entry in range(3_000):
        postings.add(entry, {b"common", f"only{entry}".encode()})
    blocks = list(postings.blocks())
    assert len(blocks) > 5
    assert all(len(block.body) < 7_000 for block in blocks)
    [term] = terms("common")
    blocks_of_common = [b for b in blocks if b.first_word <= b"common" <= b.last_word]
    assert find([block.body for block in blocks_of_common], term).bit_count() == 3_000
