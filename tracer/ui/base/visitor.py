"""Who reads: the name that somebody typed once, kept in a signed cookie, or a proxy's word."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flask import Response, g, redirect, request, url_for
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.annotations.subjects import Author
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render
from tracer.web.services import services

COOKIE: Final = "tracer_reader"
MOST_NAME: Final = 80
_YEAR: Final = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose marks these will be. `reader_id` tells apart two who typed the same name."""

    name: str = ""
    reader_id: str = ""
    given: bool = False
    """A proxy said the name: it can't be changed here."""

    def wrote(self, author_id: str | None) -> bool:
        """Return whether a mark is this reader's own."""
        return bool(self.reader_id) and author_id == self.reader_id


@bp.app_template_global()
def reader() -> Reader:
    """Return who sends this request; nameless until a name was typed."""
    if "reader" not in g:
        g.reader = _of_proxy() or _of_cookie() or Reader()
    found: Reader = g.reader
    return found


def author(*, named: bool = False) -> Author:
    """Return the reader as the author of a mark, and remember a name that the form brings.

    With `named`, a reader without a name is refused (422).
    """
    typed = clean_name(request.form.get("reader", ""))
    if typed and not reader().given:
        remember(typed)
    if named and not reader().name:
        refuse("Say who you are: your name is missing.")
    if not reader().reader_id:
        remember("")
    return Author(name=reader().name, author_id=reader().reader_id)


def remember(name: str) -> None:
    """Call the reader so from now on; the answer to this request sets the cookie."""
    known = reader().reader_id
    g.reader = Reader(name, known or f"reader:{secrets.token_hex(16)}")
    g.remember_reader = True


def clean_name(text: str) -> str:
    """Return a name fit to be shown in a line."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:MOST_NAME]


@bp.after_request
def set_cookie(response: Response) -> Response:
    """Keep a name that was typed just now in the reader's browser."""
    if g.pop("remember_reader", False):
        found = reader()
        response.set_cookie(
            COOKIE,
            _serializer().dumps([found.reader_id, found.name]),
            max_age=_YEAR,
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
    return response


@bp.get("/reader")
def reader_form() -> str:
    """Show what the reader is called, and let it be changed."""
    return render("base/visitor.html", back=_back(request.args.get("back", "")))


@bp.post("/reader")
def rename_reader() -> AnyResponse:
    """Take the name that was typed; marks made before keep theirs."""
    if not reader().given:
        remember(clean_name(request.form.get("reader", "")))
    back = _back(request.form.get("back", ""))
    return redirect(back or url_for("ui.reader_form"), 303)


def _back(address: str) -> str:
    """Return a path of ours, or nothing: a form must not lead elsewhere."""
    parts = urlsplit(address)
    ours = not parts.scheme and not parts.netloc and parts.path.startswith("/project/")
    return address if ours and "\\" not in address else ""


def _of_proxy() -> Reader | None:
    header = services().config.reader_header
    if not header:
        return None
    sent = request.headers.get(header, "")
    # WSGI hands headers over as Latin-1, whatever they are.
    with suppress(UnicodeError):
        sent = sent.encode("latin-1").decode()
    name = clean_name(sent)
    return Reader(name, f"proxy:{name}", given=True) if name else None


def _of_cookie() -> Reader | None:
    sent = request.cookies.get(COOKIE)
    if not sent:
        return None
    try:
        reader_id, name = _serializer().loads(sent)
    except (BadSignature, ValueError, TypeError):
        return None
    return Reader(str(name), str(reader_id))


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(services().secret, salt=COOKIE)
