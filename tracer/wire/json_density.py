"""Bounds what decoding a JSON text may cost, from its bytes alone."""

from __future__ import annotations

from typing import Final

from tracer.errors import TooLarge

FREE_ELEMENTS: Final = 100_000
"""As many elements are decoded in any case."""
LEAST_BYTES: Final = 6
"""Bytes for each element of a longer text; a shorter element takes 30 times its bytes in memory."""


def check_density(body: bytes) -> None:
    """Raise TooLarge where a text consists of many tiny elements, such as ``[{},{},{}]``.

    Commas and brackets within strings are counted as well, which prose has far fewer of.
    """
    if len(body) < FREE_ELEMENTS:
        return
    elements = body.count(b",") + body.count(b"{") + body.count(b"[")
    if elements > FREE_ELEMENTS and elements * LEAST_BYTES > len(body):
        raise TooLarge(f"{elements} elements in {len(body)} bytes: too many for one request")
