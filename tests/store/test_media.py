"""Media: what was announced is what is stored, or nothing is."""

from __future__ import annotations

import base64
import hashlib
from io import BytesIO

import pytest

from tracer.store.media import (
    CHUNK_BYTES,
    BadUpload,
    Medium,
    Use,
    announce,
    get_medium,
    list_uses,
    read,
    upload,
)

CONTENT = bytes(range(256)) * (CHUNK_BYTES // 100)
USE = Use(trace_id="t", span_id="s", field="input")


def announced(project: str, content: bytes = CONTENT) -> Medium:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return announce(project, digest[:22], digest, "image/png", len(content), USE)


@pytest.mark.parametrize("content", [b"", b"x", CONTENT, b"y" * CHUNK_BYTES])
def test_what_was_uploaded_comes_back(project: str, content: bytes) -> None:
    medium = announced(project, content)
    assert medium.uploaded_at is None
    upload(project, medium, BytesIO(content))
    assert b"".join(read(project, medium.media_id)) == content
    assert max((len(piece) for piece in read(project, medium.media_id)), default=0) <= CHUNK_BYTES
    found = get_medium(project, medium.media_id)
    assert found is not None
    assert found.uploaded_at is not None


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", b"z" * len(CONTENT), b""])
def test_another_content_is_refused_and_the_first_stays(project: str, content: bytes) -> None:
    medium = announced(project)
    upload(project, medium, BytesIO(CONTENT))
    with pytest.raises(BadUpload):
        upload(project, medium, BytesIO(content))
    assert b"".join(read(project, medium.media_id)) == CONTENT


def test_a_medium_is_of_its_project(project: str) -> None:
    medium = announced(project)
    upload(project, medium, BytesIO(CONTENT))
    assert get_medium("other", medium.media_id) is None
    assert list(read("other", medium.media_id)) == []


def test_uses_are_noted_once(project: str) -> None:
    medium = announced(project)
    assert announced(project) == medium
    assert list_uses(project, "t") == [(USE, medium)]
