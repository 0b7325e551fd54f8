"""Single sign-on by a provider, honest and hostile."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from werkzeug.test import TestResponse

from tests.support.access.members import client_of, log_in, make_member
from tests.support.access.oidc_provider import CLIENT, SECRET, OidcProvider, oidc_provider
from tests.support.http import free_port
from tracer.config import Config
from tracer.errors import ConfigError, ProviderError
from tracer.store.database.session import transaction
from tracer.store.members.invitations import create_invitation
from tracer.store.members.members import list_members
from tracer.store.members.roles import role_in, roles_of
from tracer.web.oidc import fetch, flow
from tracer.web.oidc.provider import provider_of

TRACES = "/project/default/traces"
RULES = "?name=Team&join=example.com:default:viewer&role=admins:default:admin&administrators=root"


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    """A provider that logs in Ada, whose address it has verified."""
    with oidc_provider() as running:
        running.person |= {"email": "ada@example.com", "email_verified": True}
        yield running


@pytest.fixture
def app(make_app: Callable[[Config], Flask], config: Config, provider: OidcProvider) -> Flask:
    """The application with the provider and its rules."""
    address = provider.url.replace("http://", f"http://{CLIENT}:{quote(SECRET)}@")
    return make_app(dataclasses.replace(config, login=f"{address}/{RULES}"))


def sign_on(
    client: FlaskClient, provider: OidcProvider, after: str = "", **changed: str
) -> TestResponse:
    """Go to the provider and back."""
    begun = client.get("/login/oidc", query_string={"next": after} if after else {})
    assert begun.status_code == 302, begun.text
    query = provider.answer_of(str(begun.location), **changed)
    return client.get(f"/login/oidc/callback?{query}")


def test_a_person_of_the_domain_becomes_a_member_and_is_known_the_next_time(
    app: Flask, provider: OidcProvider
) -> None:
    client = app.test_client()
    assert "Continue with Team" not in client.get("/first-owner").text
    assert sign_on(client, provider, f"{TRACES}?q=1").location == f"{TRACES}?q=1"
    assert client.get(TRACES).status_code == 200
    assert "Continue with Team" in app.test_client().get("/login").text
    sign_on(app.test_client(), provider)
    with app.app_context():
        [member] = list_members()
        assert (member.name, member.email) == ("Ada", "ada@example.com")
        assert roles_of(member.member_id) == {"default": "viewer"}


def test_the_request_has_state_nonce_and_a_hashed_verifier(
    app: Flask, provider: OidcProvider
) -> None:
    sign_on(app.test_client(), provider)
    first = dict(provider.login_query)
    sign_on(app.test_client(), provider)
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 40
        assert first[name] != provider.login_query[name]
    assert first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == "http://localhost/login/oidc/callback"
    assert len(set(provider.verifiers)) == 2


def test_roles_follow_the_groups(app: Flask, provider: OidcProvider) -> None:
    def role(*groups: str) -> tuple[str | None, bool]:
        provider.claims = {"groups": list(groups)}
        sign_on(app.test_client(), provider)
        with app.app_context():
            [member] = list_members()
            return role_in(member.member_id, "default"), member.administrator

    assert role("admins", "others") == ("admin", False)
    assert role("root") == ("viewer", True)
    assert role("admins") == ("admin", False)
    provider.person["email_verified"] = False
    assert role() == (None, False)


def test_a_stranger_needs_an_invitation(app: Flask, provider: OidcProvider) -> None:
    make_member(app, "boss", "owner")
    provider.person |= {"email": "eve@elsewhere.example"}
    refused = sign_on(app.test_client(), provider)
    assert refused.status_code == 403
    assert "ask for an invitation" in refused.text
    with app.app_context(), transaction():
        _, token = create_invitation("default", "eve@x.example", "member", "", timedelta(days=1))
    client = app.test_client()
    answer = sign_on(client, provider, f"/invitation/{token}")
    assert answer.location == f"/invitation/{token}"
    assert "Join as" in client.get(answer.location).text


@pytest.mark.parametrize("verified", [False, None, "true"])
def test_an_address_that_is_not_verified_opens_no_account(
    app: Flask, provider: OidcProvider, verified: Any
) -> None:
    make_member(app, "ada", "owner", administrator=True)
    provider.person["email_verified"] = verified
    assert sign_on(app.test_client(), provider).status_code == 403
    provider.person["email_verified"] = True
    client = app.test_client()
    assert sign_on(client, provider).status_code == 302
    with app.app_context():
        assert len(list_members()) == 1


def test_another_identity_does_not_take_over_a_connected_account(
    app: Flask, provider: OidcProvider
) -> None:
    sign_on(app.test_client(), provider)
    provider.person["sub"] = "2"
    sign_on(app.test_client(), provider)
    with app.app_context():
        first, second = list_members()
        assert {first.email, second.email} == {"ada@example.com", None}


def test_a_member_with_a_password_connects_the_account_while_logged_in(
    app: Flask, provider: OidcProvider
) -> None:
    make_member(app, "bob", "viewer")
    provider.person |= {"email": None, "email_verified": None}
    assert sign_on(client_of(app, "bob"), provider).status_code == 302
    client = app.test_client()
    assert sign_on(client, provider).status_code == 302
    assert client.get(TRACES).status_code == 200
    assert log_in(app.test_client(), "bob").status_code == 303


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another login"},
        {"nonce": None},
        {"aud": "another client"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"azp": "another client"},
    ],
)
def test_a_token_with_a_wrong_claim_logs_nobody_in(
    app: Flask, provider: OidcProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    client = app.test_client()
    assert sign_on(client, provider).status_code == 502
    assert client.get(TRACES).status_code == 302


def test_a_token_with_another_signature_logs_nobody_in(app: Flask, provider: OidcProvider) -> None:
    client = app.test_client()
    right = provider.key
    provider.answer_of(str(client.get("/login/oidc").location))
    claims = {"iss": provider.url, "aud": CLIENT, "sub": "1", "iat": 1, "exp": 9_999_999_999}
    none = "eyJhbGciOiJub25lIn0.e30."
    symmetric = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET.encode() * 4))
    foreign = jwt.encode({"alg": "RS256", "kid": "k"}, claims, RSAKey.generate_key(2048))
    for token in (none, symmetric, foreign, "nonsense"):
        provider.token = token
        assert sign_on(client, provider).status_code == 502, token
    assert provider.key is right


def test_an_answer_without_its_request_logs_nobody_in(app: Flask, provider: OidcProvider) -> None:
    client = app.test_client()
    assert client.get("/login/oidc/callback?code=the-code&state=x").status_code == 400
    assert sign_on(client, provider, state="another").status_code == 400
    assert sign_on(client, provider, error="access_denied").status_code == 403
    victim = app.test_client()
    query = provider.answer_of(str(client.get("/login/oidc").location))
    assert victim.get(f"/login/oidc/callback?{query}").status_code == 400


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil"])
def test_single_sign_on_never_leads_to_another_site(
    app: Flask, provider: OidcProvider, elsewhere: str
) -> None:
    assert sign_on(app.test_client(), provider, elsewhere).location == "/"


def test_a_provider_that_calls_itself_otherwise_is_not_used(
    app: Flask, provider: OidcProvider
) -> None:
    provider.discovery = {"issuer": "https://evil.example"}
    assert app.test_client().get("/login/oidc").status_code == 502


def test_a_token_endpoint_that_fails_logs_nobody_in(app: Flask, provider: OidcProvider) -> None:
    unreachable = f"http://127.0.0.1:{free_port()}/token"
    for endpoint in (unreachable, "", None, 7, "http://169.254.169.254/token"):
        provider.discovery = {"token_endpoint": endpoint}
        flow._documents.clear()
        client = app.test_client()
        assert sign_on(client, provider).status_code == 502, endpoint
        assert client.get(TRACES).status_code == 302


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"], ["client_secret_post"]])
def test_the_client_is_named_as_the_provider_asks_for(
    app: Flask, provider: OidcProvider, methods: list[str] | None
) -> None:
    provider.discovery = {"token_endpoint_auth_methods_supported": methods}
    assert sign_on(app.test_client(), provider).location == "/"
    assert provider.client_in_form == (methods == ["client_secret_post"])


def test_groups_that_only_userinfo_has_are_asked_for(app: Flask, provider: OidcProvider) -> None:
    provider.discovery = {
        "scopes_supported": ["openid", "groups"],
        "userinfo_endpoint": f"{provider.url}/userinfo",
    }
    provider.userinfo = {"sub": "1", "groups": ["admins"], "email": "root@example.com"}
    sign_on(app.test_client(), provider)
    assert provider.login_query["scope"] == "openid email profile groups"
    with app.app_context():
        [member] = list_members()
        # What is in the signed token counts.
        assert member.email == "ada@example.com"
        assert roles_of(member.member_id) == {"default": "admin"}
    provider.userinfo = {"sub": "2", "groups": ["root"]}
    assert sign_on(app.test_client(), provider).status_code == 502


PUBLIC = provider_of("https://tracer:x@93.184.216.34/")


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/token",
        "https://127.0.0.1/token",
        "https://10.0.0.1/token",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/token",
        "https://[fd00::1]/token",
        "https://user:password@93.184.216.34/",
        "file:///etc/passwd",
        "gopher://93.184.216.34/",
        None,
        7,
    ],
)
def test_a_provider_leads_to_no_address_of_inner_networks(url: Any) -> None:
    assert PUBLIC is not None
    with pytest.raises(ProviderError):
        fetch.check_url(PUBLIC, url)


def test_a_provider_on_loopback_leads_to_no_metadata_service() -> None:
    local = provider_of("http://tracer:x@127.0.0.1:1/")
    assert local is not None
    assert fetch.check_url(local, "http://127.0.0.1:2/token")
    with pytest.raises(ProviderError):
        fetch.check_url(local, "http://169.254.169.254/latest/meta-data")


@pytest.mark.parametrize(
    "login",
    [
        "https://issuer.example.com/",
        "http://tracer:x@issuer.example.com/",
        "https://tracer:x@issuer.example.com/?unknown=1",
        "https://tracer:x@issuer.example.com/?join=example.com:default:king",
        "https://tracer:x@issuer.example.com/?role=admins",
    ],
)
def test_a_provider_that_can_not_be_used_is_refused_at_the_start(login: str) -> None:
    with pytest.raises(ConfigError, match="TRACER_LOGIN"):
        provider_of(login)


def test_the_issuer_is_the_address_without_client_and_rules() -> None:
    provider = provider_of(
        "https://a%40b:s%3A1@id.example.com/realms/x/.well-known/openid-configuration"
        "?name=Team&groups=roles"
    )
    assert provider is not None
    assert provider.issuer == "https://id.example.com/realms/x"
    assert (provider.client_id, provider.client_secret) == ("a@b", "s:1")
    assert (provider.name, provider.groups_claim) == ("Team", "roles")
    assert "s:1" not in repr(provider)
