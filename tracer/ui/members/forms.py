"""Shared by the forms of members: checks of name, address and password."""

from __future__ import annotations

import re
from typing import Final

from flask import request

from tracer.store.members.members import member_by_name
from tracer.store.members.passwords import weakness
from tracer.web.access.proxy_member import clean_name

_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")

Errors = dict[str, str]
"""Error messages by field name."""


def sent_email() -> str:
    """Return the field `address` without surrounding space."""
    return request.form.get("address", "").strip()


def check_email(email: str, errors: Errors) -> None:
    """Add an error where the text can't be an address."""
    if not _EMAIL.fullmatch(email):
        errors["address"] = "Expected an address such as name@example.com."


def check_name(errors: Errors, *, own: str = "") -> str:
    """Return the field `name`; add an error where it is empty or another member's."""
    name = clean_name(request.form.get("name", ""))
    other = member_by_name(name) if name else None
    if not name:
        errors["name"] = "Enter a name."
    elif other is not None and other.member_id != own:
        errors["name"] = f"{name} is taken. Free: {_free_name(name)}."
    return name


def check_password(errors: Errors, *personal_words: str) -> str:
    """Return the field `password`; add an error where it is too easy to guess.

    ``personal_words``, such as the name and the address, make a password easy to guess.
    """
    password = request.form.get("password", "")
    reason = weakness(password, [word for word in personal_words if word])
    if reason:
        errors["password"] = reason
    return password


def _free_name(name: str) -> str:
    numbers = range(2, 1_000)
    return next((f"{name}-{n}" for n in numbers if member_by_name(f"{name}-{n}") is None), "")
