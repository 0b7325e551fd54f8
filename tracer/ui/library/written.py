"""Values in the text fields of forms: JSON, or a text that is no JSON."""

from __future__ import annotations

from collections.abc import Callable

from tracer import exact_json
from tracer.records import Json
from tracer.ui.base.blueprint import refuse

MAX_TEXT_LENGTH = 1_000_000


def read_text(label: str, text: str) -> str:
    """Return a text of a form with the line breaks of Unix; refuse one that can't be stored."""
    # Browsers send CRLF line ends.
    text = text.replace("\r\n", "\n")
    if "\x00" in text or len(text) > MAX_TEXT_LENGTH:
        refuse(f"{label}: expected at most {MAX_TEXT_LENGTH:,} characters, none of them NUL.")
    return text


def read_json(label: str, text: str) -> Json:
    """Return the JSON value of a text; empty: None. Refuse a text that is no JSON."""

    def refused(_text: str, error: Exception) -> Json:
        refuse(f"{label}: expected JSON: {error}.")

    return _read(label, text, refused)


def read_value(label: str, text: str) -> Json:
    """Return the JSON value of a text, or the text itself where it is no JSON; empty: None."""
    return _read(label, text, lambda plain, _error: plain)


def _read(label: str, text: str, on_invalid: Callable[[str, Exception], Json]) -> Json:
    text = read_text(label, text)
    if not text.strip():
        return None
    try:
        value: Json = exact_json.decode(text)
    except (ValueError, RecursionError) as error:
        return on_invalid(text, error)
    if exact_json.NUL.search(text):
        refuse(f"{label}: the escape of NUL can't be stored.")
    return value


def editable_text(value: Json) -> str:
    """Return the text from which `read_value` returns the value; of None it is empty."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return exact_json.to_indented_text(value)
    return value if _is_plain(value) else exact_json.encode(value).decode()


def _is_plain(text: str) -> bool:
    """Return whether `read_value` returns the text itself: of JSON text it returns the value."""
    if "\r" in text or not text.strip():
        return False
    try:
        exact_json.decode(text)
    except (ValueError, RecursionError):
        return True
    return False
