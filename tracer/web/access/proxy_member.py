"""The member that a trusted proxy names in TRACER_READER_HEADER; created at first use."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from flask import request

from tracer.store.database.session import transaction
from tracer.store.members.members import (
    MAX_NAME_CHARACTERS,
    Member,
    create_member,
    mark_seen,
    member_by_email,
    member_by_identity,
)
from tracer.web.incoming.forwarded import TRUSTED
from tracer.web.services import services

_PREFIX: Final = "proxy:"


def proxy_name() -> str:
    """Return the name in the header, "" without one."""
    header = services().config.reader_header
    sent = request.headers.get(header, "") if header else ""
    # WSGI decodes headers as Latin-1, whatever their encoding.
    with suppress(UnicodeError):
        sent = sent.encode("latin-1").decode()
    return clean_name(sent)


def clean_name(text: str) -> str:
    """Return a name in one line, without control characters, cut to ``MAX_NAME_CHARACTERS``."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:MAX_NAME_CHARACTERS]


def member_of_proxy() -> Member | None:
    """Return the member that the proxy names; only proxies of TRACER_TRUSTED_PROXIES may."""
    name = proxy_name() if request.environ.get(TRUSTED) else ""
    if not name:
        return None
    member = member_by_identity(f"{_PREFIX}{name}")
    if member is None and "@" in name:
        member = member_by_email(name)
    with transaction():
        if member is None:
            email = name if "@" in name else None
            member = create_member(name.partition("@")[0], email=email, identity=f"{_PREFIX}{name}")
        mark_seen(member.member_id)
    return None if member.disabled_at else member
