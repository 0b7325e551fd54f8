"""The stored forms of a key's secret: a hash for look-ups, and a hint for its owner."""

from __future__ import annotations

import hashlib


def hash_secret(secret: str) -> str:
    """Return the SHA-256 of the secret in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def hint_of(secret: str) -> str:
    """Return the last characters of the secret, by which its owner recognises it."""
    return f"…{secret[-4:]}"
