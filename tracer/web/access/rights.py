"""The rights, and those of each role, kind of key and kind of token."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from tracer.store.members.roles import ADMIN, MEMBER, OWNER, VIEWER


class Right(StrEnum):
    """What a route requires."""

    OPEN = "open"
    """Nothing: anyone may."""
    KNOWN = "known"
    """A login, a valid key or a valid token, whatever its rights."""
    READ = "read"
    INGEST = "ingest"
    SCORE = "score"
    EDIT = "edit"
    MANAGE = "manage"
    OWN = "own"
    SERVER = "server"
    """A server administrator."""


MEANING: Final = {
    Right.OPEN: "no login",
    Right.KNOWN: "any member, key or token",
    Right.READ: "read traces, sessions, prompts, data sets, dashboards; export them",
    Right.INGEST: "send spans",
    Right.SCORE: "send scores",
    Right.EDIT: "comment, score, tag, bookmark, share; edit prompts, data sets, views",
    Right.MANAGE: "keys, members, prices, settings; delete traces; read the audit log",
    Right.OWN: "archive and delete the project; make owners",
    Right.SERVER: "administer the server and every project",
}

NOTHING: Final[frozenset[Right]] = frozenset()
EVERYTHING: Final = frozenset(Right)

_VIEWER: Final = frozenset({Right.KNOWN, Right.READ})
_MEMBER: Final = _VIEWER | {Right.SCORE, Right.EDIT}
_ADMIN: Final = _MEMBER | {Right.INGEST, Right.MANAGE}

RIGHTS_OF_ROLE: Final = {
    VIEWER: _VIEWER,
    MEMBER: _MEMBER,
    ADMIN: _ADMIN,
    OWNER: _ADMIN | {Right.OWN},
}
"""The rights of a member in a project, by role."""

KEY_KINDS: Final = ("all", "write", "read", "scores")
RIGHTS_OF_KEY: Final = {
    "all": _ADMIN,
    "write": frozenset({Right.KNOWN, Right.INGEST, Right.SCORE}),
    "read": _VIEWER,
    "scores": frozenset({Right.KNOWN, Right.SCORE}),
}
"""The rights of an API key in its project, by kind."""

METRICS: Final = "metrics"
TOKEN_KINDS: Final = ("read", "scores", "all", METRICS)
RIGHTS_OF_TOKEN: Final = {
    "read": _VIEWER,
    "scores": _VIEWER | {Right.SCORE},
    "all": EVERYTHING,
    METRICS: NOTHING,
}
"""The rights that a personal token passes on, if its member has them; `metrics` is for /metrics."""
