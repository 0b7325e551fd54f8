"""The provider in TRACER_LOGIN: https://CLIENT_ID:SECRET@issuer.example.com/?name=…&join=…

The issuer is the address without client, query and `/.well-known/openid-configuration`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from tracer.config import is_loopback
from tracer.errors import ConfigError
from tracer.store.members.roles import ROLES

DISCOVERY: Final = "/.well-known/openid-configuration"
_NAMES: Final = {"name", "groups", "join", "role", "administrators"}


@dataclass(frozen=True, slots=True)
class Rule:
    """Who gets a role in a project: members of a group, or addresses of a domain."""

    subject: str
    project_id: str
    role: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, and the roles that its claims give."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    """The name on the button of the login page."""
    groups_claim: str = "groups"
    domains: tuple[Rule, ...] = ()
    groups: tuple[Rule, ...] = ()
    administrators: str = ""
    """The group whose members administer the server."""

    @property
    def uses_groups(self) -> bool:
        """Whether any rule depends on groups."""
        return bool(self.groups or self.administrators)

    @property
    def is_local(self) -> bool:
        """Whether the provider runs on this machine, as in a test."""
        return is_loopback(urlsplit(self.issuer).hostname or "")


@dataclass(frozen=True, slots=True)
class Attempt:
    """The secrets of one login, which must match when the provider redirects back."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Person:
    """The person who has logged in; `email` only if the provider has verified it."""

    identity: str
    name: str
    email: str | None
    groups: frozenset[str]


@lru_cache(maxsize=8)
def provider_of(login: str) -> Provider | None:
    """Return the provider in TRACER_LOGIN; None: there is none. Raises ConfigError."""
    if not login or login == "always":
        return None
    parts = urlsplit(login)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.username:
        raise ConfigError(
            "TRACER_LOGIN: expected always, or https://CLIENT_ID:SECRET@issuer.example.com/"
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigError("TRACER_LOGIN: a provider on another machine needs https")
    query = parse_qs(parts.query)
    if unknown := query.keys() - _NAMES:
        raise ConfigError(f"TRACER_LOGIN: unknown {min(unknown)!r}; known: {sorted(_NAMES)}")
    host = parts.netloc.rpartition("@")[2]
    path = parts.path.removesuffix(DISCOVERY).rstrip("/")
    return Provider(
        issuer=f"{parts.scheme}://{host}{path}",
        client_id=unquote(parts.username),
        client_secret=unquote(parts.password or ""),
        name=query.get("name", [parts.hostname])[0],
        groups_claim=query.get("groups", ["groups"])[0],
        domains=tuple(_rule(text, "join") for text in query.get("join", [])),
        groups=tuple(_rule(text, "role") for text in query.get("role", [])),
        administrators=query.get("administrators", [""])[0],
    )


def _rule(text: str, name: str) -> Rule:
    subject, project_id, role = [*text.rsplit(":", 2), "", ""][:3]
    if not subject or not project_id or role not in ROLES:
        raise ConfigError(f"TRACER_LOGIN: {name}={text}: expected {name}=WHO:PROJECT:ROLE")
    return Rule(subject, project_id, role)
