"""The authorization code flow with PKCE: where to send the browser, and whom it brings back."""

from __future__ import annotations

import hmac
import secrets
import time
from typing import Any, Final

import httpx
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tracer.errors import ProviderError
from tracer.web.oidc.fetch import SECONDS, check_url, fetch_json
from tracer.web.oidc.provider import DISCOVERY, Attempt, Person, Provider

SCOPE: Final = "openid email profile"
# Signatures with a key pair only: with HS256, whoever knows the client secret could make tokens.
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
_LEEWAY_SECONDS: Final = 60
_KEEP_SECONDS: Final = 300.0


_known: dict[str, tuple[float, dict[str, Any]]] = {}


def begin(provider: Provider, redirect_uri: str) -> tuple[str, Attempt]:
    """Return the address of the provider's login, and what to keep. Raises ProviderError."""
    attempt = Attempt(*(secrets.token_urlsafe(32) for _ in range(3)))
    endpoint = check_url(provider, _discovery(provider).get("authorization_endpoint"))
    client = _client(provider, redirect_uri)
    url, _ = client.create_authorization_url(
        endpoint, state=attempt.state, nonce=attempt.nonce, code_verifier=attempt.verifier
    )
    return str(url), attempt


def finish(provider: Provider, redirect_uri: str, attempt: Attempt, url: str) -> Person:
    """Return the person whom the provider has logged in, from the address that it led to.

    Raises ProviderError.
    """
    documents = _discovery(provider)
    endpoint = check_url(provider, documents.get("token_endpoint"))
    try:
        with _client(provider, redirect_uri, state=attempt.state) as client:
            tokens = client.fetch_token(
                endpoint, authorization_response=url, code_verifier=attempt.verifier
            )
    except (OAuthError, httpx.HTTPError, ValueError) as error:
        raise ProviderError(f"the login was not completed: {type(error).__name__}") from error
    claims = _verified(provider, documents, str(tokens.get("id_token", "")), attempt.nonce)
    if "email" not in claims and "userinfo_endpoint" in documents:
        access = str(tokens.get("access_token", ""))
        more = fetch_json(provider, documents["userinfo_endpoint"], access)
        if more.get("sub") != claims["sub"]:
            raise ProviderError("the provider names two persons")
        claims = {**more, **claims}
    return _person(provider, claims)


def _client(provider: Provider, redirect_uri: str, **more: Any) -> OAuth2Client:
    return OAuth2Client(
        provider.client_id,
        provider.client_secret,
        scope=SCOPE,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        timeout=SECONDS,
        follow_redirects=False,
        trust_env=False,
        **more,
    )


def _discovery(provider: Provider) -> dict[str, Any]:
    """Return the provider's document, kept for five minutes."""
    kept, document = _known.get(provider.issuer, (0.0, {}))
    if time.monotonic() - kept < _KEEP_SECONDS and document:
        return document
    document = fetch_json(provider, f"{provider.issuer}{DISCOVERY}")
    if str(document.get("issuer", "")).rstrip("/") != provider.issuer:
        raise ProviderError("the provider calls itself by another address than TRACER_LOGIN")
    _known[provider.issuer] = time.monotonic(), document
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
