"""HTML as a tree that can be searched, so that tests don't match substrings of a page."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

_VOID = {"meta", "link", "input", "br", "hr", "img", "use", "rect", "path", "circle"}


class Element:
    """An element, its attributes, and its children in order (elements and text)."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element | str] = []

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    @property
    def classes(self) -> list[str]:
        """The names in its class attribute."""
        return self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        """All text in it, white space collapsed."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._texts()

    def __iter__(self) -> Iterator[Element]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child

    def all(self, tag: str = "", css: str = "", **attributes: str) -> list[Element]:
        """Return the elements under it of that tag, class and attributes (``_`` for ``-``)."""
        wanted = {name.strip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            element
            for element in self
            if tag in ("", element.tag)
            and (not css or css in element.classes)
            and wanted.items() <= element.attributes.items()
        ]

    def one(self, tag: str = "", css: str = "", **attributes: str) -> Element:
        """Return the only such element."""
        matches = self.all(tag, css, **attributes)
        assert len(matches) == 1, f"{len(matches)} elements {tag}.{css} {attributes}"
        return matches[0]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self.stack = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.stack[-1].children.append(element)
        if tag not in _VOID:
            self.stack.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.stack[-1].tag == tag, f"</{tag}> closes <{self.stack[-1].tag}>"
            self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.stack[-1].children.append(data)


def parse(html: str) -> Element:
    """Return the document; an element that is not closed properly fails the test."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert [element.tag for element in builder.stack] == [""]
    return builder.root
