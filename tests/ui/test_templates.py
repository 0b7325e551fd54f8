"""Templates: each is used, and none of them runs a query while it renders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, url_for
from flask.signals import before_render_template, template_rendered
from flask.testing import FlaskClient

from tests.support.pages.stories import Story, agent, say, wide
from tests.ui.conftest import FRAGMENT, Tell
from tracer.assets import asset_dir
from tracer.extensions import db
from tracer.pricing.price_book import PriceDraft
from tracer.pricing.rates import Rates, Tier
from tracer.store.annotations.bookmarks import set_bookmark
from tracer.store.annotations.comments import create_comment, edit_comment
from tracer.store.annotations.shares import create_share
from tracer.store.annotations.subjects import Author, Subject
from tracer.store.database.session import transaction
from tracer.store.library.dataset_runs import save_run
from tracer.store.library.datasets import save_dataset, save_item
from tracer.store.library.prompts import PromptDraft, create_version
from tracer.store.projects.prices import create_price
from tracer.store.projects.projects import create_project

TRACE, SESSION = "a" * 32, "chat_91c2"
FORM = {**FRAGMENT, "Sec-Fetch-Site": "same-origin"}
AXIS = {"t": "0-1-d"}
# Queries that show a page in another state; without an entry a page is asked for as it is.
STATES: dict[str, list[dict[str, Any]]] = {
    "ui.trace_list": [{}, {"marked": "scored", "from": "24h"}, {"name": "nothing"}],
    "ui.session_list": [{}, {"user": "nobody"}],
    "ui.trace": [
        {},
        {"q": "refund", "span": "refund"},
        {"span": "nothing"},
        {"tab": "scores"},
        {"tab": "comments"},
        *({"span": "rich", "tab": tab} for tab in ("io", "metadata", "events", "scores")),
        *({"span": "rich", "tab": tab} for tab in ("comments", "understood", "raw")),
        {"idle": "short", "zoom": "0-1"},
    ],
    "ui.trace_spans": [AXIS, {**AXIS, "parent": "root", "depth": 1}],
    "ui.trace_live": [AXIS, {**AXIS, "zoom": "", "q": "refund"}],
    "ui.trace_span": [{"id": "rich", "tab": tab} for tab in ("io", "scores", "comments")],
    "ui.trace_value": [{"at": "/name"}, {"at": "/input", "id": "rich"}],
    "ui.trace_log": [{"span": "rich"}, {"q": "refund"}],
    "ui.price_list": [{"model": "house"}, {"model": "gpt-4o"}, {"model": "nobody's"}],
    "share.spans": [AXIS],
    "share.span": [{"id": "rich"}],
    "share.value": [{"at": "/input"}],
}


@dataclass
class Watch:
    """The statements that ran while a template rendered, by address."""

    address: str = ""
    rendering: int = 0
    templates: set[str] = field(default_factory=set)
    statements: dict[str, list[str]] = field(default_factory=dict)

    def note(self, statement: str) -> None:
        """Remember a statement if it runs inside of a template."""
        if self.rendering:
            self.statements.setdefault(self.address, []).append(statement)


@contextmanager
def watching(app: Flask) -> Iterator[Watch]:
    """Watch every statement and every template of the application."""
    watch = Watch()

    def begin(_app: Flask, **_: Any) -> None:
        watch.rendering += 1

    def end(_app: Flask, **_: Any) -> None:
        watch.rendering -= 1

    def execute(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        watch.note(statement)

    load = app.jinja_env.get_template

    def get_template(name: Any, *args: Any, **kwargs: Any) -> Any:
        watch.templates.add(str(name))
        return load(name, *args, **kwargs)

    with app.app_context():
        engine = db.engine
    app.jinja_env.get_template = get_template  # type: ignore[method-assign]
    sa.event.listen(engine, "before_cursor_execute", execute)
    try:
        with (
            before_render_template.connected_to(begin, app),
            template_rendered.connected_to(end, app),
        ):
            yield watch
    finally:
        sa.event.remove(engine, "before_cursor_execute", execute)
        app.jinja_env.get_template = load  # type: ignore[method-assign]


@pytest.fixture
def known(app: Flask, tell: Tell) -> dict[str, Any]:
    """A project that has some of everything; the values of its addresses' variables."""
    call = {"id": "c", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    asked = [say("system", "Be brief."), {"role": "assistant", "tool_calls": [call]}]
    event = {"name": "exception", "attributes": {"exception.stacktrace": "Traceback"}}
    told = agent(input=asked).generation(
        *("rich", "root", 6, 8),
        input=asked,
        tools=[{"name": "find"}],
        events=[event],
        links=[{"trace_id": "b" * 32, "span_id": "root"}],
        flags=["truncated"],
    )
    told.span("lost", "never came").span("open", "root", 8, None)
    told.score("helpful", 1, "rich").score("kind", 0.5)
    runs = Story("c" * 32, name="runs").span("root", None, 0, 60, kind="agent").asks("root", 30)
    tell(told, runs, wide())
    with app.app_context(), transaction():
        return _annotations() | _library() | {"trace_id": TRACE, "session_id": SESSION}


def _annotations() -> dict[str, Any]:
    ada = Author(name="Ada", author_id="reader:1")
    trace = Subject(project_id="default", trace_id=TRACE)
    session = Subject(project_id="default", session_id=SESSION)
    for subject in (trace, session, Subject(project_id="default", trace_id=TRACE, span_id="rich")):
        comment = create_comment(subject, "Look **here**", ada)
        edit_comment("default", comment.comment_id, "Look *there*")
        set_bookmark(subject, there=True, author=ada)
    _, of_trace = create_share(trace, ada, show_comments=True)
    _, of_session = create_share(session, ada, show_comments=True)
    return {"tokens": {"share.page": of_session, "": of_trace}}


def _library() -> dict[str, Any]:
    tier = Tier(prices={"input": Decimal(2)}, above=200_000, parameters={"service_tier": "flex"})
    rates = Rates(base={"input": Decimal(1)}, tiers=[tier])
    price = create_price("default", PriceDraft(model="house*", rates=rates))
    chat = [say("user", "{{question}}")]
    create_version("default", PromptDraft(name="faq", type="chat", prompt=chat, config={"a": 1}))
    dataset = save_dataset("default", "faq", {"description": "Questions", "metadata": {"a": 1}})
    save_item("default", dataset.dataset_id, "i", {"input": "Why?"})
    save_run("default", dataset.dataset_id, "v1", "A run", {"a": 1})
    create_project("empty", "Empty")
    return {"name": "faq", "item_id": "i", "run": "v1", "price_id": price.price_id}


def addresses(app: Flask, known: dict[str, Any]) -> list[str]:
    """Return the address of every page and fragment, in each of its states."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            blueprint = rule.endpoint.partition(".")[0]
            if blueprint not in ("ui", "share") or "GET" not in (rule.methods or ()):
                continue
            if rule.endpoint.endswith("_json"):  # no template
                continue
            tokens = known["tokens"]
            values = known | {"token": tokens.get(rule.endpoint, tokens[""])}
            projects = ("default", "empty") if rule.arguments == {"project_id"} else ("default",)
            for project_id in projects:
                chosen = values | {"project_id": project_id}
                path = {name: chosen[name] for name in rule.arguments}
                found += [
                    url_for(rule.endpoint, **path, **state)
                    for state in STATES.get(rule.endpoint, [{}])
                ]
    return found


def see_everything(client: FlaskClient, watch: Watch, paths: list[str]) -> None:
    """Ask for every address as a browser does, and as htmx does."""
    for path in paths:
        for headers in ({}, FRAGMENT):
            watch.address = path
            answer = client.get(path, headers=headers)
            assert answer.status_code < 400, (path, answer.text)
    for path in ("/project/default/traces/nothing", "/project/nothing/traces"):
        watch.address = path
        assert client.get(path).status_code == 404
    subjects = (f"/project/default/traces/{TRACE}", f"/project/default/sessions/{SESSION}")
    score = {"name": "good", "data_type": "boolean", "yes": "yes"}
    for subject in subjects:
        for form, values in (("bookmark", {}), ("comments", {"text": "Hi"}), ("scores", score)):
            watch.address = f"{subject}/{form}"
            # The second time the visitor has a name, and comments and scores of their own.
            for _ in range(2):
                answer = client.post(watch.address, data=values | {"reader": "Ada"}, headers=FORM)
                assert answer.status_code == 200, (watch.address, answer.text)
        watch.address = f"{subject}/shares"
        assert client.post(watch.address, data={"lasts": "7d"}, headers=FORM).status_code == 200
    watch.address = f"{subjects[0]}/tags"
    assert client.post(watch.address, data={"add": "new"}, headers=FORM).status_code == 200


def test_no_template_runs_a_query_and_each_is_used(
    app: Flask, client: FlaskClient, known: dict[str, Any]
) -> None:
    paths = addresses(app, known)
    with watching(app) as watch:
        see_everything(client, watch, paths)
    assert watch.statements == {}
    directory = asset_dir("templates")
    every = {path.relative_to(directory).as_posix() for path in directory.rglob("*.html")}
    assert every - watch.templates == set()


def test_a_query_in_a_template_is_noticed(app: Flask, client: FlaskClient) -> None:
    def planted() -> Any:
        return db.session.execute(sa.text("SELECT 'planted'")).scalar_one()

    app.jinja_env.globals["twin_url"] = planted
    with watching(app) as watch:
        watch.address = "/project/default/sessions?user=nobody"
        assert client.get(watch.address).status_code == 200
    assert watch.statements == {watch.address: ["SELECT 'planted'"] * 2}
