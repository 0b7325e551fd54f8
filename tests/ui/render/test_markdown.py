"""Markdown from applications is rendered, and harmless."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pages.dom import parse
from tracer.ui.render.markdown import MAX_CHARACTERS, code, markdown

ALLOWED = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre"),
    *("code", "span", "strong", "em", "s", "a", "table", "thead", "tbody", "tr", "th", "td"),
}
HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "[x](javascript:alert(1))",
    "[x](  JaVaScRiPt:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "![x](https://evil.example/beacon.png)",
    '<div hx-get="/evil" hx-trigger="load">x</div>',
    '<a href="//evil.example" style="position:fixed">x</a>',
    "<svg><style>*{background:url(//evil.example)}</style></svg>",
    '```"><script>alert(1)</script>\ncode\n```',
    "```html\n<script>alert(1)</script>\n```",
    "[a]: https://evil.example 'x\" onmouseover=\"alert(1)'\n\n[a]",
]


def rendered(text: str) -> str:
    html = markdown(text)
    assert html is not None
    return str(html)


def test_the_common_constructs_become_html() -> None:
    page = parse(rendered("# T\n\n- **a**\n- `b`\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\nl1\nl2"))
    tags = {element.tag for element in page}
    assert {"h1", "ul", "li", "strong", "code", "table", "td", "br"} <= tags


def test_plain_text_takes_a_fast_path_to_the_same_paragraphs() -> None:
    page = parse(rendered("one\ntwo\n\nthree four"))
    assert [p.text for p in page.all("p")] == ["onetwo", "three four"]
    assert len(page.all("br")) == 1


def test_fenced_code_is_highlighted() -> None:
    page = parse(rendered("```python\nreturn 1\n```"))
    assert page.one("pre", "code").all("span", "k")[0].text == "return"


PNG = "data:image/png;base64,iVBORw0KGgo="


def test_an_image_in_the_text_is_shown() -> None:
    page = parse(rendered(f"A *chart*:\n\n![sales]({PNG})"))
    assert page.one("img").attributes == {"class": "picture", "src": PNG, "alt": "sales"}


def test_a_large_image_does_not_keep_the_text_around_it_from_being_rendered() -> None:
    large = PNG + "A" * 10 * MAX_CHARACTERS
    page = parse(rendered(f"![a]({large})\n\n**b** ![c]({PNG}) `{PNG}`"))
    assert [image["src"] for image in page.all("img")] == [large, PNG]
    assert (page.one("strong").text, page.one("code").text) == ("b", PNG)


@pytest.mark.parametrize(
    "url",
    [
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:text/html;base64,PHN2Zz4=",
        'data:image/png;base64,A"onerror="x',
        "data:image/png,<svg>",
    ],
)
def test_a_data_url_that_may_contain_a_script_is_no_image(url: str) -> None:
    assert not parse(rendered(f"![x]({url}) [y]({url})")).all("img")


def test_a_link_never_has_a_data_url() -> None:
    for url in (PNG, "DATA:text/html,x", "da\tta:text/html,x"):
        shown = parse(rendered(f"[x]({url}) [y](https://a.example)"))
        assert "x" in shown.text
        assert [link.attributes.get("href") for link in shown.all("a") if link.text != "x"] == [
            "https://a.example"
        ]
        links = [link.attributes.get("href", "") for link in shown.all("a")]
        assert [href for href in links if href.startswith("d")] == []


def test_the_placeholder_of_an_image_may_occur_in_a_text() -> None:
    text = f"*a* data:image/png;base64,aside0 and data:image/png;base64,aside7 and {PNG}"
    assert parse(rendered("*a* data:image/png;base64,aside0")).text.endswith("aside0")
    assert parse(rendered(text)).text.endswith(PNG)


def test_an_image_of_another_site_is_named_and_not_loaded() -> None:
    page = parse(rendered("![a cat](https://evil.example/cat.png)"))
    assert page.text == "[image: a cat] https://evil.example/cat.png"
    assert not page.all("img")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_does_nothing(text: str) -> None:
    for element in parse(rendered(text)):
        assert element.tag in ALLOWED
        assert set(element.attributes) <= {
            "href",
            "title",
            "class",
            "rel",
            "align",
            "start",
            "tabindex",
        }
        assert element.attributes.get("href", "https:").split(":")[0] in ("http", "https", "mailto")


@given(st.text(alphabet="<>&\"'`*_[]()!#|-:\n abcscriptonerror=/\\", max_size=200))
def test_no_text_makes_a_tag_that_is_not_allowed(text: str) -> None:
    assert {element.tag for element in parse(rendered(text))} <= ALLOWED


def test_a_text_beyond_the_limit_is_not_parsed() -> None:
    assert markdown("*x*" * MAX_CHARACTERS) is None


@pytest.mark.parametrize(
    "repeated",
    ["\n", "[", "![", "[a](", "\\(", "\\[\n", "$a_ ", "$$", "*a_ ", "> ", "- ", "`", "|", "<a"],
)
def test_the_time_for_a_text_grows_with_its_length(repeated: str) -> None:
    text = repeated * ((MAX_CHARACTERS - 3) // len(repeated))
    began = time.process_time()
    assert markdown(f"{text}*x*") is not None
    # Without a limit, the slowest of these took ten seconds.
    assert time.process_time() - began < 3


def test_code_in_no_known_language_is_escaped() -> None:
    assert code("<b>", "klingon") == "&lt;b&gt;"


@pytest.mark.parametrize(
    "text",
    [
        *("2*3*4", "a*b*c", "2**3**4", "3)", "1) one\n2) two", "x_1_y"),
        *(r"\(x\)", r"\(x_1 + y_1\) and \(a*b\)", r"$a_1*b_1*c$", r"\[a\]", r"\frac{a}{b}"),
        *("it costs $5 or $6", "&lt;b&gt; and &amp;", "[1]: https://a.example", r"C:\(x86)\dir"),
        *(r"a \& b \{c\} \, d", "5 * 3 * 2", "#hash", "1986. A year", "(c) (r) -- ..."),
    ],
)
def test_a_text_that_is_no_markdown_is_not_changed(text: str) -> None:
    page = parse(rendered(f"{text}\n\n**b**"))
    shown = page.text.removesuffix("b").strip()
    numbered = page.all("ol")
    if numbered:
        shown = f"{numbered[0].attributes.get('start', '1')}. {shown}"
    assert "".join(shown.split()) == "".join(text.split())


def test_a_block_of_latex_is_shown_as_it_is() -> None:
    block = "\\[\nx_1 * y_1\n- z\n\\]"
    page = parse(rendered(f"So *this*:\n{block}\n\nand\n\n$$\na\n$$"))
    shown = [pre.text.split() for pre in page.all("pre")]
    assert shown == [block.split(), ["$$", "a", "$$"]]


@pytest.mark.parametrize(
    "text", ["a **b**c", "**1.** x", "*a* b", "**\u91cd\u70b9**\u5185\u5bb9", "_a_"]
)
def test_emphasis_is_still_read(text: str) -> None:
    page = parse(rendered(text))
    assert page.all("strong") or page.all("em")


@pytest.mark.parametrize(
    "href",
    ["/settings", "doc.md", "../x", "#part", "//evil.example", "?q=1", "https:/x", "project/"],
)
def test_a_relative_link_leads_nowhere_and_shows_its_target(href: str) -> None:
    link = parse(rendered(f"[x]({href})")).one("a")
    assert "href" not in link.attributes
    assert link["title"] == f"relative link: {href}"


def test_code_and_tables_can_be_focused() -> None:
    page = parse(rendered("```\na\n```\n\n    b\n\n| x |\n|---|\n| 1 |"))
    assert [pre["tabindex"] for pre in page.all("pre", "code")] == ["0", "0"]
    assert page.one("table")["tabindex"] == "0"
