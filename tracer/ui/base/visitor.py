"""The current visitor: a member, a self-chosen name in a signed cookie, or a proxy's header."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from flask import Response, g, redirect, request, url_for
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response as AnyResponse

from tracer.store.annotations.subjects import Author
from tracer.ui.base.blueprint import bp, refuse
from tracer.ui.base.rendering import render
from tracer.ui.base.same_origin import path_of_this_server
from tracer.web.access.identity import identity
from tracer.web.access.proxy_member import clean_name, proxy_name
from tracer.web.services import services

COOKIE: Final = "tracer_reader"
_YEAR: Final = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Visitor:
    """The author of new annotations; ``visitor_id`` differs for two visitors of the same name."""

    name: str = ""
    visitor_id: str = ""
    is_fixed: bool = False
    """The name is the member's, or comes from the proxy's header, and can't be typed."""
    member_id: str | None = None

    def wrote(self, author_id: str | None) -> bool:
        """Return whether this visitor is the author of an annotation."""
        return bool(self.visitor_id) and author_id == self.visitor_id


def current_visitor() -> Visitor:
    """Return the visitor of this request; without a name until one was typed."""
    if "visitor" not in g:
        g.visitor = _visitor_of_member() or _visitor_of_proxy() or _visitor_of_cookie() or Visitor()
    visitor: Visitor = g.visitor
    return visitor


def author(*, named: bool = False) -> Author:
    """Return the visitor as the author of an annotation, and remember the name in the form.

    With `named`, a visitor without a name is refused (422).
    """
    typed = clean_name(request.form.get("reader", ""))
    if typed and not current_visitor().is_fixed:
        remember(typed)
    if named and not current_visitor().name:
        refuse("Enter your name.")
    if not current_visitor().visitor_id:
        remember("")
    visitor = current_visitor()
    return Author(name=visitor.name, author_id=visitor.visitor_id, member_id=visitor.member_id)


def remember(name: str) -> None:
    """Give the visitor this name; the response to this request sets the cookie."""
    visitor_id = current_visitor().visitor_id or f"reader:{secrets.token_hex(16)}"
    g.visitor = Visitor(name, visitor_id)
    g.remember_visitor = True


@bp.after_request
def set_cookie(response: Response) -> Response:
    """Store a name that was just typed in the visitor's browser."""
    if g.pop("remember_visitor", False):
        visitor = current_visitor()
        response.set_cookie(
            COOKIE,
            _serializer().dumps([visitor.visitor_id, visitor.name]),
            max_age=_YEAR,
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
    return response


@bp.get("/reader")
def reader_form() -> AnyResponse | str:
    """Show the visitor's name in a form that changes it; a member's is in the account."""
    if identity().member is not None:
        return redirect(url_for("ui.account"))
    back = requested_back()
    return render("base/visitor.html", visitor=current_visitor(), back=back)


@bp.post("/reader")
def rename_reader() -> AnyResponse:
    """Change the visitor's name; earlier annotations keep the old one."""
    if not current_visitor().is_fixed:
        remember(clean_name(request.form.get("reader", "")))
    back = requested_back()
    return redirect(back or url_for("ui.reader_form"), 303)


def requested_back() -> str:
    """Return the page of a project to go back to, from the address or the form; "": none."""
    return path_of_this_server(request.values.get("back", ""), below="/project/")


def _visitor_of_member() -> Visitor | None:
    member = identity().member
    if member is None:
        return None
    visitor_id = f"member:{member.member_id}"
    return Visitor(member.name, visitor_id, is_fixed=True, member_id=member.member_id)


def _visitor_of_proxy() -> Visitor | None:
    name = proxy_name()
    return Visitor(name, f"proxy:{name}", is_fixed=True) if name else None


def _visitor_of_cookie() -> Visitor | None:
    sent = request.cookies.get(COOKIE)
    if not sent:
        return None
    try:
        visitor_id, name = _serializer().loads(sent)
    except (BadSignature, ValueError, TypeError):
        return None
    return Visitor(str(name), str(visitor_id))


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(services().secret, salt=COOKIE)
