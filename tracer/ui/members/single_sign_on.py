"""Signing in by the OpenID Connect provider of TRACER_LOGIN."""

from __future__ import annotations

import dataclasses
import hmac
from typing import Any, Final

from flask import Response, abort, redirect, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

from tracer.errors import ProviderError
from tracer.store.database.session import transaction
from tracer.store.members.invitations import find_invitation
from tracer.store.members.members import connect_identity, member_by_identity
from tracer.ui.base.blueprint import bp
from tracer.ui.base.same_origin import path_of_this_server
from tracer.web.access import audit
from tracer.web.access.identity import identify_page_request
from tracer.web.access.login import start_session
from tracer.web.oidc.members import member_for
from tracer.web.oidc.provider import Attempt, Person, Provider, provider_of
from tracer.web.services import services

_COOKIE: Final = "tracer_sign_on"
_SECONDS: Final = 600


@bp.app_context_processor
def name_provider() -> dict[str, Any]:
    """Return the name of the provider for the buttons of the login, "" without one."""
    provider = provider_of(services().config.login)
    return {"single_sign_on": provider.name if provider else ""}


@bp.get("/login/oidc")
def single_sign_on() -> AnyResponse:
    """Redirect to the provider; a signed cookie keeps the values that must match afterwards."""
    # Imported here: the libraries take 15 MB, which a server without a provider need not have.
    from tracer.web.oidc.flow import begin

    provider = _provider()
    try:
        address, attempt = begin(provider, _own_address())
    except ProviderError as error:
        abort(502, f"Signing in by {provider.name} is not possible: {error}.")
    response = redirect(address)
    assert isinstance(response, Response)
    state = [*dataclasses.astuple(attempt), path_of_this_server(request.args.get("next", ""))]
    response.set_cookie(
        _COOKIE,
        _serializer().dumps(state),
        max_age=_SECONDS,
        path=url_for("ui.single_sign_on"),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


@bp.get("/login/oidc/callback")
def single_sign_on_callback() -> AnyResponse:
    """Log in the member whom the provider names."""
    from tracer.web.oidc.flow import finish

    provider = _provider()
    attempt, after = _read_cookie()
    if not hmac.compare_digest(request.args.get("state", "").encode(), attempt.state.encode()):
        abort(400, "This is the response to another login. Start again.")
    if "error" in request.args:
        abort(403, f"{provider.name} did not sign you in. Start again, or use a password.")
    try:
        person = finish(provider, _own_address(), attempt, request.url)
    except ProviderError as error:
        abort(502, f"Signing in by {provider.name} failed: {error}.")
    response = redirect(after or url_for("ui.home"))
    assert isinstance(response, Response)
    response.delete_cookie(_COOKIE, path=url_for("ui.single_sign_on"))
    _log_in(provider, person, after, response)
    return response


def _log_in(provider: Provider, person: Person, after: str, response: Response) -> None:
    visitor = identify_page_request().member
    with transaction():
        # A member who is logged in by password connects the account to the provider.
        connects = visitor is not None and visitor.identity is None
        if connects and visitor is not None and member_by_identity(person.identity) is None:
            connect_identity(visitor.member_id, person.identity)
            audit.add("identity.connect", visitor.name)
        member = member_for(provider, person, invited=_is_invited(after))
        if member is None:
            audit.add("login.failed", person.identity[:200], fold=True)
    if member is None:
        abort(403, "You are no member of this server yet: ask for an invitation and open it first.")
    start_session(response, member, provider.name, stay=True)


def _is_invited(after: str) -> bool:
    path = after.removeprefix(request.script_root)
    token = path.removeprefix("/invitation/")
    return token != path and find_invitation(token) is not None


def _provider() -> Provider:
    provider = provider_of(services().config.login)
    if provider is None:
        abort(404, "This server has no single sign-on.")
    return provider


def _own_address() -> str:
    return url_for("ui.single_sign_on_callback", _external=True)


def _read_cookie() -> tuple[Attempt, str]:
    try:
        state = _serializer().loads(request.cookies.get(_COOKIE, ""), max_age=_SECONDS)
        *attempt, after = map(str, state)
        return Attempt(*attempt), after
    except (BadSignature, TypeError, ValueError):
        abort(400, "This login took too long, or was begun in another browser. Start again.")


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services().secret, salt=_COOKIE)
