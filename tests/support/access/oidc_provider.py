"""A small OpenID Connect provider on loopback, whose responses a test can change."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

# With characters that must be escaped in the Authorization header.
CLIENT, SECRET = "tracer", "client: secret+50%"


class OidcProvider:
    """The provider: the person that it logs in, and changes of its responses."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = RSAKey.generate_key(2048, {"kid": "k"})
        self.person: dict[str, Any] = {"sub": "1", "name": "Ada"}
        self.claims: dict[str, Any] = {}
        """Claims that replace those of the ID token."""
        self.discovery: dict[str, Any] = {}
        """Entries that replace those of the discovery document."""
        self.token = ""
        """An ID token in place of the right one."""
        self.login_query: dict[str, str] = {}
        """The parameters of the last authorization request."""
        self.verifiers: list[str] = []
        self.userinfo: dict[str, Any] = {}
        """The response of the userinfo endpoint."""
        self.client_in_form = False
        """Whether the last token request named the client in its form."""

    def document(self) -> dict[str, Any]:
        """Return the discovery document."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **self.discovery,
        }

    def keys(self) -> dict[str, Any]:
        """Return the public keys."""
        return dict(KeySet([self.key]).as_dict(private=False))

    def more_claims(self) -> dict[str, Any]:
        """Return the response of the userinfo endpoint."""
        return self.userinfo

    def answer_of(self, location: str, **changed: str) -> str:
        """Log the person in; return the query with which the browser goes back."""
        query = parse_qs(urlsplit(location).query)
        self.login_query = {name: values[0] for name, values in query.items()}
        return urlencode({"code": "the-code", "state": self.login_query["state"], **changed})

    def id_token(self) -> str:
        """Return the signed ID token for the last authorization request."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 60,
            "nonce": self.login_query.get("nonce", ""),
            **self.person,
            **self.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return self.token or jwt.encode({"alg": "RS256", "kid": "k"}, kept, self.key)

    def tokens(self, form: dict[str, list[str]], authorization: str) -> tuple[int, dict[str, Any]]:
        """Return the response to the token request; an error for a wrong client or code."""
        verifier = form.get("code_verifier", [""])[0]
        self.verifiers.append(verifier)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        self.client_in_form = "client_id" in form
        if self.client_in_form:
            client = f"{form['client_id'][0]}:{form['client_secret'][0]}"
        else:
            client = unquote_plus(base64.b64decode(authorization.removeprefix("Basic ")).decode())
        is_right = digest.decode().rstrip("=") == self.login_query.get("code_challenge")
        if client != f"{CLIENT}:{SECRET}" or form.get("code") != ["the-code"] or not is_right:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token()}


@contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """Run a provider on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/authorize?"):
                # Without a form: the person has a session at the provider.
                query = provider.answer_of(self.path)
                self.send_response(302)
                self.send_header("Location", f"{provider.login_query['redirect_uri']}?{query}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            known = {
                "/.well-known/openid-configuration": provider.document,
                "/keys": provider.keys,
                "/userinfo": provider.more_claims,
            }
            make = known.get(self.path)
            self._send(200 if make else 404, make() if make else {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sent = self.headers.get("Authorization", "")
            self._send(*provider.tokens(parse_qs(body), sent))

        def _send(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = OidcProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
