"""Fixtures of the pages' tests: traces are stored by the real writer, pages are parsed."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.support.pages.dom import Element, parse
from tests.support.pages.requests import FRAGMENT, GetPage, StoreTraces
from tests.support.pages.sample_traces import TraceBuilder
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.store.writing.writer import Writer


@pytest.fixture
def store_traces(writer: Writer) -> StoreTraces:
    """Store traces, in the default project unless another is named."""

    def store(*builders: TraceBuilder, project: str = DEFAULT_PROJECT) -> None:
        for builder in builders:
            assert writer.write(project, builder.batch) == []

    return store


@pytest.fixture
def get_page(client: FlaskClient) -> GetPage:
    """Get a path under /project/default as a parsed document; a fragment as htmx asks for it."""

    def get(path: str, status: int = 200, *, fragment: bool = False) -> Element:
        answer = client.get(f"/project/default{path}", headers=FRAGMENT if fragment else {})
        assert answer.status_code == status, answer.text
        return parse(answer.text)

    return get
