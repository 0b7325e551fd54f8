"""Variables of prompts, and the words that differ between two versions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.pages.sample_traces import chat_message
from tracer.ui.library.prompt_text import DiffPart, compare, diff, variables

texts = st.text(st.sampled_from("ab {}.\n0"), max_size=40)


def pieces(parts: list[DiffPart]) -> list[tuple[str, str]]:
    return [(part.kind, part.text) for part in parts]


@given(texts, texts)
def test_each_side_of_a_comparison_is_its_text(before: str, after: str) -> None:
    parts, _ = compare(before, after)
    assert "".join(part.text for part in parts if part.kind != "ins") == before
    assert "".join(part.text for part in parts if part.kind != "del") == after
    assert all(part.text for part in parts)


def test_words_numbers_and_variables_are_compared_as_wholes() -> None:
    parts, _ = compare(
        "Hello {{name}}, 0.2 and so on it is", "Hello {{first}}, 0.4 and so on it is"
    )
    assert pieces(parts) == [
        ("", "Hello "),
        ("del", "{{name}}, 0.2"),
        ("ins", "{{first}}, 0.4"),
        ("", " and so on it is"),
    ]


def test_long_texts_are_compared_by_lines_and_longer_ones_as_wholes() -> None:
    lines = [f"line {number} with words\n" for number in range(1_000)]
    changed = [*lines[:500], "another\n", *lines[501:]]
    parts, _ = compare("".join(lines), "".join(changed))
    assert ("del", lines[500]) in pieces(parts)
    assert ("ins", "another\n") in pieces(parts)
    before, after = "a\n" * 2_000, "b\n" * 2_000
    assert pieces(compare(before, after)[0]) == [("del", before), ("ins", after)]


def test_messages_are_compared_by_position_and_role() -> None:
    before = [chat_message("system", "Be brief."), chat_message("user", "{{q}}")]
    after = [chat_message("system", "Be kind."), chat_message("assistant", "Hi"), before[1]]
    changes = diff(before, after)
    assert [message.role for message in changes.messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert [message.is_same for message in changes.messages] == [False] * 4
    assert (changes.added, changes.removed) == (3, 2)
    assert all(message.is_same for message in diff(before, before).messages)


def test_the_words_of_many_messages_are_compared_up_to_a_limit() -> None:
    before = [chat_message("user", f"{number} a b" * 200) for number in range(100)]
    after = [chat_message("user", f"{number} a c" * 200) for number in range(100)]
    changes = diff(before, after)
    assert len(changes.messages[0].parts) > 2
    assert pieces(changes.messages[-1].parts) == [("del", "99 a b" * 200), ("ins", "99 a c" * 200)]


def test_variables_are_listed_once_in_their_order() -> None:
    prompt = [chat_message("system", "{{ b }} {{a}} {{b}} {{}} {c}"), {"type": "placeholder"}]
    assert variables(prompt) == ["b", "a"]
    assert variables("{{x-y}} {{z.0}}") == ["x-y", "z.0"]
