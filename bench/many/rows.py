"""The rows of generated traces, as lines for COPY."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from bench.many import measured
from bench.many import vocabulary as draw
from bench.many.block import END, Block
from tracer.merging.figures import Figures
from tracer.store.rollups.changes import RawChanges
from tracer.store.rollups.sums import SpanFigures
from tracer.times import sql_time

_HOUR: Final = 3_600_000_000
_NULL: Final = "\\N"

COLUMNS: Final = {
    "traces": "project_id trace_id name user_id session_id environment release status tags"
    " start_time end_time span_count running_count error_count models input_tokens output_tokens"
    " total_tokens total_cost updated_at",
    "trace_payloads": "project_id trace_id root_span_id root_error_count priced_count"
    " metered_count kinds usage cost metadata input_preview output_preview error_message claims",
    "spans": "project_id trace_id span_id parent_span_id kind name start_time end_time status level"
    " status_message model input_tokens output_tokens total_tokens total_cost version",
    "span_payload_rows": "project_id trace_id span_id input output usage cost provider prompt_name"
    " prompt_version finish_reasons",
    "scores": "project_id trace_id score_id name data_type value source time",
    "bookmarks": "project_id trace_id session_id created_at",
}


class Lines(NamedTuple):
    """The rows of some traces by table."""

    traces: list[str]
    trace_payloads: list[str]
    spans: list[str]
    span_payload_rows: list[str]
    scores: list[str]
    bookmarks: list[str]
    changes: RawChanges


class Traits(NamedTuple):
    """What one trace is like, before its spans are made."""

    trace_id: str
    name: str
    user_id: str
    session_id: str
    environment: str
    release: str
    start: int
    spans: int
    fails: bool
    runs: bool


def lines(block: Block, first: int, count: int) -> Lines:
    """Return the rows of the traces ``first`` to ``first + count`` of a block."""
    rng = random.Random(first)
    made = Lines([], [], [], [], [], [], RawChanges())
    words = draw.WORDS.draw(rng, 20_000)
    for traits in _traits(rng, block, first, count):
        _add(made, rng, traits, words)
    return made


def _traits(rng: random.Random, block: Block, first: int, count: int) -> Iterator[Traits]:
    columns = (
        draw.NAMES.draw(rng, count),
        draw.ENVIRONMENTS.draw(rng, count),
        draw.RELEASES.draw(rng, count),
    )
    for offset, (name, environment, release) in enumerate(zip(*columns, strict=True)):
        number = first + offset
        age = (block.traces - number) * block.hours * _HOUR // block.traces
        user = f"user-{int(block.users * rng.random() ** 3)}" if rng.random() < 0.7 else _NULL
        yield Traits(
            trace_id=f"{rng.getrandbits(128):032x}",
            name=name,
            user_id=user,
            session_id=block.session_of(number) or _NULL,
            environment=environment,
            release=release,
            start=END - age + rng.randrange(1000),
            spans=max(2, min(400, int(block.spans * 0.73 * math.exp(0.8 * rng.gauss(0, 1))))),
            fails=rng.random() < 0.04,
            runs=number > block.traces - 20 and number % 4 == 0,
        )


def _add(made: Lines, rng: random.Random, trace: Traits, words: list[str]) -> None:
    key = f"default\t{trace.trace_id}"
    span_ids = [f"{rng.getrandbits(64):016x}" for _ in range(trace.spans)]
    models = draw.MODELS.draw(rng, 2)
    tools = draw.TOOLS.draw(rng, trace.spans)
    length = int(2_000_000 * math.exp(1.1 * rng.gauss(0, 1)))
    end = trace.start + length
    counts: dict[str, int] = {"agent": 1}
    used: dict[str, int] = {}
    input_tokens = output_tokens = 0
    errors = int(trace.fails)
    message = draw.ERRORS.draw(rng, 1)[0]
    figures: list[SpanFigures] = []
    for index, span_id in enumerate(span_ids):
        start = trace.start + length * index // trace.spans
        stop = start + max(1000, int(length / trace.spans * rng.random() * 3))
        parent, kind, name, model, tokens = span_ids[(index - 1) // 3], "span", "step", _NULL, None
        if index == 0:
            parent, kind, name, start, stop = _NULL, "agent", trace.name, trace.start, end
        elif index % 3 == 1:
            kind, name, model = "generation", "chat", models[rng.random() < 0.2]
            tokens = rng.randrange(50, 8000), rng.randrange(5, 900)
            input_tokens, output_tokens = input_tokens + tokens[0], output_tokens + tokens[1]
            used[model] = used.get(model, 0) + 1
        elif index % 3 == 2:
            kind, name = "tool", tools[index]
        counts[kind] = counts.get(kind, 0) + (index > 0)
        failed = (trace.fails and index == 0) or (index > 0 and rng.random() < 0.004)
        errors += failed and index > 0
        made.spans.append(
            _span(key, span_id, parent, kind, name, (start, stop), failed, model, tokens, message)
        )
        level, called = "error" if failed else "default", None if model == _NULL else model
        figures.append(
            measured.span_figures(kind, name, (start, stop), level, message, called, tokens)
        )
        if tokens or index == 0:
            made.span_payload_rows.append(_payload(key, span_id, rng, words, tokens))
    _add_trace(
        made,
        rng,
        trace,
        words,
        span_ids[0],
        end,
        counts,
        used,
        (input_tokens, output_tokens),
        errors,
    )
    made.changes.add_trace(_figures(trace, end, (input_tokens, output_tokens)), 1)
    made.changes.add_spans(trace.environment, figures, 1)


def _figures(trace: Traits, end: int, tokens: tuple[int, int]) -> Figures:
    return Figures(
        name=trace.name,
        environment=trace.environment,
        user_id=None if trace.user_id == _NULL else trace.user_id,
        status=_status(trace),
        start=trace.start,
        end=end,
        has_usage=True,
        usage=measured.usage(tokens),
        cost=measured.cost(tokens),
    )


def _status(trace: Traits) -> str:
    return "running" if trace.runs else "error" if trace.fails else "completed"


def _span(
    key: str,
    span_id: str,
    parent: str,
    kind: str,
    name: str,
    times: tuple[int, int],
    failed: bool,
    model: str,
    tokens: tuple[int, int] | None,
    message: str,
) -> str:
    use = "\t".join([_NULL] * 4)
    if tokens:
        use = f"{tokens[0]}\t{tokens[1]}\t{sum(tokens)}\t{measured.cost(tokens)}"
    status, level = ("error", "error") if failed else ("completed", "default")
    return (
        f"{key}\t{span_id}\t{parent}\t{kind}\t{name}\t{sql_time(times[0])}\t{sql_time(times[1])}"
        f"\t{status}\t{level}\t{message if failed else _NULL}\t{model}\t{use}\t{times[1]}\n"
    )


def _payload(
    key: str,
    span_id: str,
    rng: random.Random,
    words: list[str],
    tokens: tuple[int, int] | None,
) -> str:
    start = rng.randrange(len(words) - 100)
    question = draw.sentence(rng, words, start, 30)
    answer = draw.sentence(rng, words, start + 30, 20)
    used = cost = _NULL
    call = "\t".join([_NULL] * 4)
    if tokens:
        prompt, version = draw.PROMPTS.draw(rng, 1)[0], 1 + int(4 * rng.random() ** 2)
        finish = "length" if rng.random() < 0.03 else "stop"
        call = f'openai\t{prompt}\t{version}\t["{finish}"]'
        used = f'{{"input":{tokens[0]},"output":{tokens[1]}}}'
        cost = f'{{"total":{measured.cost(tokens)}}}'
    messages = f'[{{"role":"user","content":"{question}"}}]'
    return f'{key}\t{span_id}\t{messages}\t"{answer}"\t{used}\t{cost}\t{call}\n'


def _add_trace(
    made: Lines,
    rng: random.Random,
    trace: Traits,
    words: list[str],
    root: str,
    end: int,
    kinds: dict[str, int],
    models: dict[str, int],
    tokens: tuple[int, int],
    errors: int,
) -> None:
    key = f"default\t{trace.trace_id}"
    tags = ",".join(sorted(set(draw.TAGS.draw(rng, rng.randrange(4)))))
    total_cost = measured.cost(tokens)
    order = f"ORD-{rng.randrange(10_000_000):07d}"
    start = rng.randrange(len(words) - 60)
    made.traces.append(
        f"{key}\t{trace.name}\t{trace.user_id}\t{trace.session_id}\t{trace.environment}"
        f"\t{trace.release}\t{_status(trace)}\t{{{tags}}}\t{sql_time(trace.start)}\t{sql_time(end)}"
        f"\t{trace.spans}\t{int(trace.runs)}\t{errors}\t{_json(models)}\t{tokens[0]}\t{tokens[1]}"
        f"\t{sum(tokens)}\t{total_cost}\t{sql_time(end)}\n"
    )
    metadata = (
        f'{{"plan":"{draw.PLANS.draw(rng, 1)[0]}","order":"{order}",'
        f'"tenant":"t{rng.randrange(1000)}","attempt":{rng.randrange(5)}}}'
    )
    failure = draw.ERRORS.draw(rng, 1)[0] if errors else _NULL
    made.trace_payloads.append(
        f"{key}\t{root}\t{int(trace.fails)}\t{len(models)}\t{len(models)}\t{_json(kinds)}"
        f'\t{{"input":{tokens[0]},"output":{tokens[1]}}}\t{{"total":{total_cost}}}\t{metadata}'
        f"\t{draw.sentence(rng, words, start, 20)} {order}\t{draw.sentence(rng, words, start, 25)}"
        f'\t{failure}\t{{"ranks":{{}},"seen":{end}}}\n'
    )
    if rng.random() < 0.1:
        name, value = ("helpful", rng.random()) if rng.random() < 0.7 else ("thumbs", rng.random())
        made.scores.append(f"{key}\t{root}\t{name}\tNUMERIC\t{value:.3f}\tAPI\t{sql_time(end)}\n")
    if rng.random() < 0.005:
        made.bookmarks.append(f"{key}\t\t{sql_time(end)}\n")


def _json(counts: dict[str, int]) -> str:
    return "{" + ",".join(f'"{name}":{number}' for name, number in counts.items()) + "}"
