"""The authorization code flow with PKCE: the login URL, and the person who has logged in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any, Final
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tracer.errors import ProviderError
from tracer.web.oidc.fetch import check_url, fetch_json, post_form
from tracer.web.oidc.provider import DISCOVERY, Attempt, Person, Provider

SCOPE: Final = "openid email profile"
# Asymmetric signatures only: with HS256, anyone with the client secret could sign tokens.
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
_LEEWAY_SECONDS: Final = 60
_CACHE_SECONDS: Final = 300.0


_documents: dict[str, tuple[float, dict[str, Any]]] = {}


def begin(provider: Provider, redirect_uri: str) -> tuple[str, Attempt]:
    """Return the URL of the provider's login, and the secrets to store. Raises ProviderError."""
    documents = _discovery(provider)
    attempt = Attempt(*(secrets.token_urlsafe(32) for _ in range(3)))
    endpoint = check_url(provider, documents.get("authorization_endpoint"))
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": _scope(provider, documents),
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": _challenge(attempt.verifier),
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(endpoint).query else "?"
    return f"{endpoint}{joint}{urlencode(parameters)}", attempt


def finish(provider: Provider, redirect_uri: str, attempt: Attempt, url: str) -> Person:
    """Return the person whom the provider has logged in, from the URL of the redirect.

    Raises ProviderError.
    """
    documents = _discovery(provider)
    tokens = _exchange(provider, documents, redirect_uri, attempt, url)
    claims = _verified(provider, documents, str(tokens.get("id_token", "")), attempt.nonce)
    if _is_incomplete(provider, claims) and "userinfo_endpoint" in documents:
        access = str(tokens.get("access_token", ""))
        user_info = fetch_json(provider, documents["userinfo_endpoint"], access)
        if user_info.get("sub") != claims["sub"]:
            raise ProviderError("the provider names two persons")
        claims = {**user_info, **claims}
    return _person(provider, claims)


def _scope(provider: Provider, documents: dict[str, Any]) -> str:
    """Return the scopes to request, with the scope of the groups where the provider has one."""
    has_groups = provider.groups_claim in _listed(documents, "scopes_supported")
    return f"{SCOPE} {provider.groups_claim}" if has_groups and provider.uses_groups else SCOPE


def _listed(documents: dict[str, Any], name: str) -> list[Any]:
    """Return a list of the discovery document; empty where there is none of that name."""
    values = documents.get(name)
    return values if isinstance(values, list) else []


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _exchange(
    provider: Provider, documents: dict[str, Any], redirect_uri: str, attempt: Attempt, url: str
) -> dict[str, Any]:
    """Return the tokens that the provider gives for the code in `url`. Raises ProviderError."""
    form = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(url).query).get("code", [""])[0],
        "redirect_uri": redirect_uri,
        "code_verifier": attempt.verifier,
    }
    methods = _listed(documents, "token_endpoint_auth_methods_supported")
    if "client_secret_basic" in methods or "client_secret_post" not in methods:
        # Percent-encoded, as RFC 6749 (2.3.1) requires.
        basic = (quote_plus(provider.client_id), quote_plus(provider.client_secret))
        return post_form(provider, documents.get("token_endpoint"), form, basic)
    form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    return post_form(provider, documents.get("token_endpoint"), form)


def _is_incomplete(provider: Provider, claims: dict[str, Any]) -> bool:
    """Return whether the ID token lacks claims that the rules need; userinfo may have them."""
    return "email" not in claims or (provider.uses_groups and provider.groups_claim not in claims)


def _discovery(provider: Provider) -> dict[str, Any]:
    """Return the provider's document, kept for five minutes."""
    fetched_at, document = _documents.get(provider.issuer, (0.0, {}))
    if time.monotonic() - fetched_at < _CACHE_SECONDS and document:
        return document
    document = fetch_json(provider, f"{provider.issuer}{DISCOVERY}")
    if str(document.get("issuer", "")).rstrip("/") != provider.issuer:
        raise ProviderError("the provider calls itself by another address than TRACER_LOGIN")
    _documents[provider.issuer] = time.monotonic(), document
    return document


def _verified(
    provider: Provider, documents: dict[str, Any], token: str, nonce: str
) -> dict[str, Any]:
    """Return the claims of an ID token whose signature, times, audience and nonce are right."""
    keys: Any = fetch_json(provider, documents.get("jwks_uri", ""))
    rules = jwt.JWTClaimsRegistry(
        leeway=_LEEWAY_SECONDS,
        iss={"essential": True, "value": documents["issuer"]},
        aud={"essential": True, "value": provider.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=_ALGORITHMS)
        claims = dict(decoded.claims)
        rules.validate(claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise ProviderError(f"the ID token is not valid: {type(error).__name__}") from error
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise ProviderError("the ID token belongs to another login")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise ProviderError("the ID token is for another application")
    return claims


def _person(provider: Provider, claims: dict[str, Any]) -> Person:
    email = claims.get("email") if claims.get("email_verified") is True else None
    groups = claims.get(provider.groups_claim, [])
    names = (claims.get(name) for name in ("preferred_username", "name", "email", "sub"))
    return Person(
        identity=f"oidc:{provider.issuer} {claims['sub']}",
        name=str(next(filter(None, names))).partition("@")[0],
        email=str(email) if email else None,
        groups=frozenset(map(str, groups if isinstance(groups, list) else [groups])),
    )
