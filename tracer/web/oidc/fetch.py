"""Requests to a provider: HTTPS, no redirects, bounded responses, no private addresses."""

from __future__ import annotations

import ipaddress
import socket
import time
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from tracer.errors import ProviderError
from tracer.web.oidc.provider import Provider

_SECONDS: Final = 5.0
"""Timeout of connecting, and between two chunks of a response."""
_MAX_SECONDS: Final = 15.0
"""Timeout of a whole response."""
_MAX_BYTES: Final = 1_000_000


def fetch_json(provider: Provider, url: Any, token: str = "") -> dict[str, Any]:
    """Return the JSON object at a URL of the provider. Raises ProviderError."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return _send(httpx.Request("GET", check_url(provider, url), headers=headers))


def post_form(
    provider: Provider, url: Any, form: dict[str, str], basic: tuple[str, str] | None = None
) -> dict[str, Any]:
    """Return the JSON object with which a URL of the provider answers a form.

    `basic`: name and password of the Authorization header. Raises ProviderError.
    """
    headers = {"Accept": "application/json"}
    request = httpx.Request("POST", check_url(provider, url), headers=headers, data=form)
    return _send(request, basic)


def _send(request: httpx.Request, basic: tuple[str, str] | None = None) -> dict[str, Any]:
    """Send a request; return the JSON object that answers it. Raises ProviderError."""
    deadline = time.monotonic() + _MAX_SECONDS
    try:
        with httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client:
            response = client.send(request, stream=True, auth=basic)
            body = b""
            for part in response.iter_bytes():
                body += part
                if len(body) > _MAX_BYTES:
                    raise ProviderError("the provider's answer is too large")
                if time.monotonic() > deadline:
                    raise ProviderError("the provider's answer takes too long")
        if response.status_code != 200:
            raise ProviderError(f"the provider answers with {response.status_code}")
        value = msgspec.json.decode(body)
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise ProviderError(f"the provider does not answer as expected: {error}") from error
    if not isinstance(value, dict):
        raise ProviderError("the provider does not answer with an object")
    return value


def check_url(provider: Provider, url: Any) -> str:
    """Return a URL from the provider's discovery document; raises ProviderError if unsafe.

    Its URLs must not lead into private networks that only this server can reach, unless the
    configured issuer is there, too.
    """
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or not parts.hostname or parts.username is not None:
        raise ProviderError("the provider names an address that is not a URL")
    if parts.scheme != "https" and not (parts.scheme == "http" and provider.is_local):
        raise ProviderError(f"the provider names an address without https: {parts.hostname}")
    issuer_is_private = _is_private(urlsplit(provider.issuer).hostname or "")
    if not issuer_is_private and _is_private(parts.hostname):
        raise ProviderError(f"the provider names an address of an inner network: {parts.hostname}")
    if _is_forbidden(parts.hostname):
        raise ProviderError(f"the provider names an address that no provider has: {parts.hostname}")
    return str(url)


def _addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        resolved = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ProviderError(f"the name {host} is unknown") from error
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in resolved]


def _is_private(host: str) -> bool:
    return any(not address.is_global for address in _addresses(host))


def _is_forbidden(host: str) -> bool:
    """Return whether a host has a link-local address, as metadata services of clouds do."""
    return any(a.is_link_local or a.is_multicast or a.is_unspecified for a in _addresses(host))
