"""One-time codes of an authenticator app (RFC 6238: SHA-1, 30 seconds, six digits)."""

from __future__ import annotations

import base64
import hmac
import secrets
import struct
from typing import Final
from urllib.parse import quote, urlencode

STEP_SECONDS: Final = 30
_DIGITS: Final = 6


def new_secret() -> str:
    """Return a secret of 160 bits in base32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, step: int) -> str:
    """Return the code of a time step: the Unix time divided by 30, rounded down."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)


def matching_step(secret: str, code: str, now: float) -> int | None:
    """Return the time step of a code; None: a wrong code. Clocks may differ by one step."""
    digits = "".join(code.split())
    current = int(now) // STEP_SECONDS
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), digits.encode()):
            return step
    return None


def enrolment_url(secret: str, account: str, server: str) -> str:
    """Return the URL that adds the account to an authenticator app."""
    label = quote(f"Tracer {server}:{account}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': f'Tracer {server}'})}"
