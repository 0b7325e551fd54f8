"""Passwords: argon2id hashes, and the check for passwords that are too easy to guess."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256
"""Lengths of a password in characters."""
# zxcvbn takes quadratic time, so only this many characters are rated; more only add strength.
_RATED_CHARACTERS: Final = 64
_MIN_SCORE: Final = 3

# Each hash takes 19 MiB, so concurrent logins wait here rather than exhaust the memory.
_concurrent_hashes: Final = threading.BoundedSemaphore(2)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    """Return the hasher: 19 MiB and 2 passes, as OWASP recommends, 30 ms of one core."""
    # Imported here: a server without logins does not need the library.
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@lru_cache(maxsize=1)
def _decoy() -> str:
    """Return a hash to verify against if the account doesn't exist, for the same response time."""
    return _hasher().hash("a password that nobody has")


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    with _concurrent_hashes:
        return _hasher().hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Return whether the password matches the hash; takes the same time without a hash."""
    if len(password) > MAX_LENGTH:
        return False
    from argon2.exceptions import InvalidHashError, VerificationError

    with _concurrent_hashes:
        try:
            _hasher().verify(password_hash or _decoy(), password)
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Return whether a hash was made with older parameters."""
    return _hasher().check_needs_rehash(password_hash)


def weakness(password: str, personal_words: list[str]) -> str:
    """Return why a password is refused, "" if it is not; an owner's name or email weakens it."""
    if len(password) < MIN_LENGTH:
        return f"{len(password)} characters; it takes {MIN_LENGTH} or more. Any characters will do."
    if len(password) > MAX_LENGTH:
        return f"{len(password)} characters; at most {MAX_LENGTH} are possible."
    # Imported here: its word lists take 10 MB of memory.
    from zxcvbn import zxcvbn

    result = zxcvbn(password[:_RATED_CHARACTERS], user_inputs=personal_words)
    if result["score"] >= _MIN_SCORE:
        return ""
    return "This password is among the first that an attacker would try. Choose another one."
