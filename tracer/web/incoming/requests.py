"""The request as routes see it: form fields, query parameters and credentials that can be used."""

from __future__ import annotations

from typing import Any

from flask import Request
from werkzeug.datastructures import Authorization, ImmutableMultiDict, MultiDict
from werkzeug.utils import cached_property

from tracer.wire.clean import storable


class CleanRequest(Request):
    """A request whose parameters have no NUL and no lone surrogates: PostgreSQL can't store them.

    JSON bodies are cleaned by `tracer.wire.reading`.
    """

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The parameters of the query string."""
        return _cleaned(super().args)

    @cached_property
    def authorization(self) -> Authorization | None:
        """The credentials; None where the header is missing or can't be parsed."""
        # werkzeug fails on base64 that is not ASCII.
        if not self.headers.get("Authorization", "").isascii():
            return None
        return super().authorization

    def _load_form_data(self) -> None:
        super()._load_form_data()
        self.__dict__["form"] = _cleaned(self.form)


def _cleaned(fields: MultiDict[str, str]) -> MultiDict[str, str]:
    pairs: list[tuple[Any, Any]] = list(fields.items(multi=True))
    return ImmutableMultiDict((storable(name), storable(value)) for name, value in pairs)
