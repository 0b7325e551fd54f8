"""Passwords: argon2id hashes, and which passwords are too easy to guess."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST: Final = 12
LONGEST: Final = 256
"""Lengths of a password in characters."""
# zxcvbn takes quadratic time; what comes later adds to the strength and is not needed.
_JUDGED: Final = 64
_STRONG_ENOUGH: Final = 3

# Logins that arrive together wait for each other here, so that they can't take all memory.
_at_once: Final = threading.BoundedSemaphore(2)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    """Return the hasher: 19 MiB and 2 passes, as OWASP recommends, 30 ms of one core."""
    # Imported here: a server that asks for no login does without.
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@lru_cache(maxsize=1)
def _decoy() -> str:
    """Return the hash of a password that nobody has, to be checked where there is no other."""
    return _hasher().hash("a password that nobody has")


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    with _at_once:
        return _hasher().hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether the password is the right one; takes the same time where there is no hash."""
    if len(password) > LONGEST:
        return False
    from argon2.exceptions import InvalidHashError, VerificationError

    with _at_once:
        try:
            _hasher().verify(password_hash or _decoy(), password)
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Return whether a hash was made with older parameters."""
    return _hasher().check_needs_rehash(password_hash)


def weakness(password: str, known: list[str]) -> str:
    """Return why a password can't be taken, "" if it can; `known`: words of its owner."""
    if len(password) < SHORTEST:
        return f"{len(password)} characters; it takes {SHORTEST} or more. Any characters will do."
    if len(password) > LONGEST:
        return f"{len(password)} characters; at most {LONGEST} are possible."
    # Imported here: its word lists take 10 MB of memory.
    from zxcvbn import zxcvbn

    result = zxcvbn(password[:_JUDGED], user_inputs=known)
    if result["score"] >= _STRONG_ENOUGH:
        return ""
    return "This password is among the first that an attacker would try. Choose another one."
