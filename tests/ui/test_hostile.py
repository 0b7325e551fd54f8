"""Everything that an application sends is text on the page, in every field of every page."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient

from tests.support.pages.dom import Element, parse
from tests.support.pages.hostile import ID, QUERIES, QUOTED, addresses, hostile, hostile_price
from tests.support.pages.requests import StoreTraces

TAGS = {"script", "img", "iframe", "object", "embed", "style", "base", "form"}


def check(page: Element) -> None:
    """Fail where hostile text has become markup."""
    ours = {element["src"] for element in page.all("script") if "src" in element.attributes}
    assert all(source.startswith("/static/") for source in ours)
    assert len(page.all("script")) == len(ours)
    for element in page:
        assert element.tag not in TAGS - {"script", "form"}, element.tag
        assert not [name for name in element.attributes if name.startswith("on")]
        assert element.attributes.get("hx-get", "/project/").startswith("/project/default/") or (
            "hx-get" not in element.attributes
        )
        assert not element.attributes.get("href", "").lower().startswith(("javascript:", "data:"))


def test_hostile_text_stays_text(
    app: Flask, client: FlaskClient, store_traces: StoreTraces
) -> None:
    store_traces(hostile())
    base = f"/project/default/traces/{ID}"
    unknown = [f"{base}/{QUOTED}", f"/project/{QUOTED}/traces"]
    urls = [*addresses(app, hostile_price(app)), *unknown]
    # Each page with several query strings still exists.
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert {f"ui.{name}" for name in QUERIES} <= endpoints
    assert len(urls) > 40
    checked = 0
    for url in urls:
        answer = client.get(url, environ_overrides={"RAW_URI": url})
        assert answer.status_code in (200, 302, 404), url
        assert (answer.status_code == 404) == (url in unknown), url
        if answer.status_code != 302:
            check(parse(answer.text))
            checked += 1
    assert checked > 40
