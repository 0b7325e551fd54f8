"""The content of each format, and the labels for what is left out."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from typing import Any

import psycopg
import pytest
from markdown_it import MarkdownIt

from tests.support.store.round_trips import export_text
from tests.support.store.rows import put
from tests.support.traces.records import T0, span
from tracer.export import csv as csv_format
from tracer.export import html, markdown
from tracer.export import json as json_format
from tracer.records import ScoreRecord
from tracer.store.annotations.comments import create_comment, edit_comment
from tracer.store.annotations.subjects import Author, Subject
from tracer.store.database.session import transaction

Connection = psycopg.Connection[Any]


def say(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def test_json_has_all_fields_in_time_order(connection: Connection) -> None:
    put(
        connection,
        span("late", "root", start_time=T0 + 5, input={"n": 2**70, "x": 1.50}),
        span("root", usage={"input": 3}, cost={}, model="gpt-4o", level="error"),
        span("open", "gone", start_time=T0 + 9, end_time=None),
        ScoreRecord(score_id="1", name="good", data_type="boolean", value=1.0, trace_id="t"),
    )
    document = json.loads(export_text(json_format.write))
    assert (document["format"], document["complete"]) == ("tracer.trace", True)
    assert [row["id"] for row in document["spans"]] == ["root", "late", "open"]
    assert document["spans"][1]["input"] == {"n": 2**70, "x": 1.5}
    assert document["spans"][2]["end_time"] is None
    assert document["spans"][0]["cost"]["input"] > 0
    assert [score["value"] for score in document["scores"]] == [True]
    assert document["trace"]["span_count"] == 3


def test_json_has_the_comments_and_scores_of_people(connection: Connection) -> None:
    judged = {"data_type": "numeric", "value": 0.5, "trace_id": "t", "author": "Ada"}
    put(
        connection, span("a"), ScoreRecord(score_id="1", name="good", source="annotation", **judged)
    )
    subject = Subject(project_id="default", trace_id="t")
    with transaction():
        first = create_comment(subject, "**Why?**", Author(name="Ada"))
    with transaction():
        create_comment(dataclasses.replace(subject, span_id="a"), "Here.", Author(name="Ben"))
        edit_comment("default", first.comment_id, "Why?")
    document = json.loads(export_text(json_format.write))
    comments = [(row["span_id"], row["text"], row["author"]) for row in document["comments"]]
    assert comments == [(None, "Why?", "Ada"), ("a", "Here.", "Ben")]
    assert [bool(row["edited_at"]) for row in document["comments"]] == [True, False]
    assert [(row["author"], row["value"]) for row in document["scores"]] == [("Ada", 0.5)]
    # The files that are made to be given away keep it to themselves.
    for write in (markdown.write, csv_format.write, html.write):
        assert "Here." not in export_text(write)


def test_a_truncated_file_is_no_valid_json(connection: Connection) -> None:
    put(connection, span("a"), span("b"))
    text = export_text(json_format.write)
    for length in range(1, len(text) - 2, 97):
        with pytest.raises(json.JSONDecodeError):
            json.loads(text[:length])


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＋1", "－1", "＠x"],
)
def test_a_cell_that_would_be_a_formula_is_text(connection: Connection, text: str) -> None:
    hostile = span("a", name=text, input=text, output=[text], status_message=text, model=text)
    put(connection, hostile)
    [row] = csv.DictReader(io.StringIO(export_text(csv_format.write), newline=""))
    for column in ("name", "input", "status_message", "model"):
        assert row[column] == f"'{text}"
    # JSON text begins with a bracket, and can't be one.
    assert json.loads(row["output"]) == [text]


def test_numbers_and_harmless_text_are_unchanged(connection: Connection) -> None:
    put(connection, span("a", name="a = b", input='say "hi";=1+1,\r\n=2', end_time=T0 - 5_000))
    text = export_text(csv_format.write)
    header, row = csv.reader(io.StringIO(text, newline=""))
    cells = dict(zip(header, row, strict=True))
    assert header == list(csv_format.COLUMNS)
    assert (cells["name"], cells["input"]) == ("a = b", 'say "hi";=1+1,\r\n=2')
    assert float(cells["duration_ms"]) == -5.0
    assert ",-5.0," in text


def test_a_trace_without_spans_is_a_header_alone(connection: Connection) -> None:
    from tests.support.traces.records import trace_record

    put(connection, trace_record(name="announced"))
    assert export_text(csv_format.write).count("\r\n") == 1
    assert json.loads(export_text(json_format.write))["spans"] == []
    assert "# announced" in export_text(markdown.write)


def test_a_transcript_shows_each_message_once(connection: Connection) -> None:
    question, answer = "What is it? " * 20, "It is that. " * 20
    put(
        connection,
        span("root", kind="agent"),
        span("first", "root", kind="generation", input=[say("user", question)], output=answer),
        span(
            "second",
            "root",
            kind="generation",
            start_time=T0 + 5,
            input=[say("user", question), say("assistant", answer), say("user", "And now?")],
        ),
    )
    text = export_text(markdown.write)
    assert text.count(question) == 1
    assert text.count(answer) == 1
    assert "as in span `first`" in text
    assert "And now?" in text
    assert text.index("span `root`") < text.index("span `first`") < text.index("span `second`")
    assert text.endswith("*End of the trace.*\n")


def test_markdown_adds_up_what_the_model_calls_were_sent_again(connection: Connection) -> None:
    messages = [say("user", f"question {n} " * 30) for n in range(6)]
    put(
        connection,
        span("root", kind="agent"),
        *(
            span(
                f"call{n}",
                "root",
                kind="generation",
                model="gpt-4o",
                start_time=T0 + n,
                input=messages[: n + 3],
                usage={"input": 100 * (n + 3)},
            )
            for n in range(3)
        ),
    )
    text = export_text(markdown.write)
    assert "## Context" in text
    assert "- 58 % of the input is repeated: about 700 of 1,200 input tokens" in text
    assert "- Grew the context: span `call0`, 300 new tokens" in text
    assert "Cost of the repeated input: $0.0018 of $0.0030" in text


def test_nothing_in_a_transcript_ends_its_block_or_makes_a_heading(connection: Connection) -> None:
    put(connection, span("a", name="# x\n## y", input="```\n# no heading\n````"))
    tokens = MarkdownIt().parse(export_text(markdown.write))
    headings = [
        tokens[index + 1].content
        for index, token in enumerate(tokens)
        if token.type == "heading_open"
    ]
    assert headings == [r"\# x \#\# y", "Spans", r"span: \# x \#\# y"]
    [block] = [token.content for token in tokens if token.type == "fence"]
    assert block == "```\n# no heading\n````\n"


@pytest.mark.parametrize(
    ("budget", "parts"),
    [
        (200, ["## Left out"]),
        (1_000, ["## Left out", "span `root`", "spans below left out", "spans in deeper levels"]),
        (20_000, ["## Left out", "span `root`", "characters left out] …", "span `s19-9`"]),
        (40_000, ["span `root`", "span `s19-9`"]),
    ],
)
def test_a_transcript_keeps_its_budget_and_names_the_parts_that_are_left_out(
    connection: Connection, budget: int, parts: list[str]
) -> None:
    spans = [span("root", input="q" * 9_000)]
    for n in range(20):
        spans.append(span(f"s{n}", "root", start_time=T0 + n, input=f"{n} " * 2_000))
        spans += [span(f"s{n}-{m}", f"s{n}", start_time=T0 + n) for m in range(10)]
    put(connection, *spans)
    text = export_text(lambda source: markdown.write(source, budget))
    assert len(text) <= budget * markdown.CHARACTERS_PER_TOKEN
    assert [part for part in parts if part not in text] == []
    whole = len(export_text(markdown.write)) <= budget * markdown.CHARACTERS_PER_TOKEN
    assert ("## Left out" in text) is not whole
    assert ("## Left out" in text) is ("## Left out" in parts)
