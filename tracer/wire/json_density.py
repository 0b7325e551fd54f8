"""Bounds what decoding a JSON text may cost, from its bytes alone."""

from __future__ import annotations

from typing import Final

from tracer.errors import TooLarge

FREE_ELEMENTS: Final = 100_000
"""As many elements are decoded in any case."""
LEAST_BYTES: Final = 6
"""Bytes for each element of a longer text; a shorter element takes 30 times its bytes in memory."""
MOST_ELEMENTS: Final = 2_000_000
"""Elements of one request; each takes about a hundred bytes of memory."""


def count_elements(body: bytes) -> int:
    """Return the most elements that JSON in a body can have, also in the texts of a protobuf body.

    Commas and brackets of prose are counted as well; prose has far fewer of them.
    """
    return body.count(b",") + body.count(b"{") + body.count(b"[")


def check_elements(body: bytes) -> None:
    """Raise TooLarge where a body may hold more elements than fit into memory."""
    if len(body) > MOST_ELEMENTS:
        _check_number(count_elements(body))


def check_density(body: bytes) -> None:
    """Raise TooLarge for many elements, or where most are as tiny as in ``[{},{},{}]``."""
    if len(body) < FREE_ELEMENTS:
        return
    elements = count_elements(body)
    _check_number(elements)
    if elements > FREE_ELEMENTS and elements * LEAST_BYTES > len(body):
        raise TooLarge(f"{elements} elements in {len(body)} bytes: too many for one request")


def _check_number(elements: int) -> None:
    if elements > MOST_ELEMENTS:
        raise TooLarge(f"{elements} elements of JSON: more than {MOST_ELEMENTS} in one request")
