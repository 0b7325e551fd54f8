"""URL rules that compile the functions which build their URLs only when a URL is built."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import Rule

_Build = Callable[..., tuple[str, str]]


class LazyRule(Rule):
    """A rule of the application: werkzeug's, except that it compiles its URL builders later.

    A process builds URLs of few of the 330 rules, and compiling the builders of all of them was
    four fifths of the time that it takes to make the application.
    """

    def _compile_builder(self, append_unknown: bool = True) -> _Build:
        compile_builder = super()._compile_builder
        compiled: _Build | None = None

        def build(rule: Rule, /, **values: object) -> tuple[str, str]:
            nonlocal compiled
            if compiled is None:
                compiled = compile_builder(append_unknown)
            return compiled(rule, **values)

        return build
