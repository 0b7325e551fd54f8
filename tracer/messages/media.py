"""Reads images, audio and documents in messages, from any API."""

from __future__ import annotations

import base64
import re
from typing import Final, TypeGuard

from tracer.messages.part import Part, inlined, string
from tracer.records import Json

MEDIA_API_NAMES: Final = {
    "image": "image image_url input_image output_image image_file b64_json computer_screenshot",
    "audio": "audio input_audio output_audio audio_url",
    "file": "file input_file document document_url input_document blob uri inline_data file_data"
    " media binary video video_url input_video resource resource_link embedded_resource"
    " text_plain file_url",
}
"""Names of parts in APIs, in snake case, by Tracer's type."""

_WRAPPERS: Final = (
    "source",
    "image",
    "image_url",
    "image_file",
    "audio",
    "audio_url",
    "input_audio",
    "video",
    "video_url",
    "file",
    "document",
    "document_url",
    "inline_data",
    "file_data",
    "resource",
    "s3_location",
    "media",
    "binary",
    "content",
)
"""Objects of a part that contain its address or content."""

_MIME_TYPES: Final = (
    *("mime_type", "media_type", "mimeType", "mediaType", "content_type"),
    *("image_mimetype", "document_mimetype", "video_mimetype"),
)
_URLS: Final = (
    "url",
    "uri",
    "fileUri",
    "file_uri",
    "file_url",
    "image_url",
    "audio_url",
    "video_url",
    "file_data",
    "image",
    "audio",
    "file",
    "data",
    "content",
)
"""Keys of a URL; the values of the last ones may be a URL or the content."""
_CONTENTS: Final = (
    "data",
    "base64",
    "b64_json",
    "bytes",
    "blob",
    "content",
    "file_data",
    "fileData",
    "image",
    "audio",
    "image_url",
    "file",
)
_NAMES: Final = (
    "filename",
    "fileName",
    "file_name",
    "displayName",
    "name",
    "title",
    "file_id",
    "fileId",
)
_SIGNATURES: Final = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "JVBERi0": "application/pdf",
    "SUQz": "audio/mpeg",
    "T2dnUw": "audio/ogg",
}
"""MIME types by the beginning of a file in base64."""
_FORMATS: Final = {
    "pdf": "application/pdf",
    "mp3": "audio/mpeg",
    "jpg": "image/jpeg",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
}
"""MIME types of formats with another name than their subtype."""
_SCHEMES: Final = ("data", "http", "https", "gs", "s3", "file", "blob", "attachment")
_ENCODED: Final = re.compile(r"(?:[A-Za-z0-9+/_-]{4})+(?:[A-Za-z0-9+/_-]{2,3}=*)?")
_ENCODED_BEGINNING: Final = re.compile(r"[A-Za-z0-9+/_=\s-]+")
_MAX_BYTES: Final = 8 * 1024 * 1024
_UNKNOWN_TYPE: Final = "application/octet-stream"
_DOCUMENTS: Final = ("application/", "text/")


def media_part(item: dict[str, Json], kind: str) -> Part:
    """Return an image, audio or file part; ``kind`` is the type by the part's API name."""
    flat = inlined(item, *_WRAPPERS)
    mime_type = string(flat, *_MIME_TYPES) or _mime_type_of_format(flat, kind)
    url = next((value for name in _URLS if _is_url(value := flat.get(name))), None)
    text = _text(flat, mime_type)
    name = string(flat, *_NAMES)
    content = _content(flat) if text is None else None
    if content is not None:
        # The API with this name returns PNG unless another format is requested.
        assumed = "image/png" if "b64_json" in item else None
        mime_type = mime_type or _mime_type_of_content(content) or assumed
        # The content becomes the URL; a URL that was sent is kept as the name.
        name = name or url
        url = f"data:{mime_type or _UNKNOWN_TYPE};base64,{content}"
    if mime_type is None and url is not None and url.startswith("data:"):
        mime_type = url[5:].partition(",")[0].partition(";")[0] or None
    if name is None and url is None and text is None:
        # An uploaded file has only an id.
        name = string(flat, "id")
    return Part(
        type=_part_type(string(flat, "modality"), mime_type or "", kind),
        text=text or string(flat, "transcript"),
        name=name,
        mime_type=mime_type,
        url=url,
    )


def audio_answer(audio: dict[str, Json]) -> Part:
    """Return the audio of an answer with its transcript, in the form of OpenAI's chat API."""
    part = media_part({"format": "wav", **audio}, "audio")
    if part.url is None:
        part.mime_type = None
    part.text = string(audio, "transcript")
    return part


def _is_url(value: Json) -> TypeGuard[str]:
    return isinstance(value, str) and value.partition(":")[0] in _SCHEMES


def _text(flat: dict[str, Json], mime_type: str | None) -> str | None:
    """Return the text of a document that was sent as text."""
    if isinstance(text := flat.get("text"), str):
        return text
    if isinstance(blocks := flat.get("content"), list):
        # Anthropic's documents of blocks.
        texts = [block.get("text") for block in blocks if isinstance(block, dict)]
        return "\n".join(text for text in texts if isinstance(text, str)) or None
    if mime_type is None or not mime_type.startswith("text/"):
        return None
    data = string(flat, "data", "content")
    return data if data and not _is_url(data) and not _ENCODED.fullmatch(data) else None


def _content(flat: dict[str, Json]) -> str | None:
    values = (flat[name] for name in _CONTENTS if flat.get(name) is not None)
    return next((content for value in values if (content := _base64(value))), None)


def _base64(content: Json) -> str | None:
    """Return content as base64, also of lists of bytes; None: the value is no content."""
    if isinstance(content, str):
        if not _ENCODED_BEGINNING.fullmatch(content[:100]):
            return None
        # Some libraries use base64url, which browsers don't accept in a data: URL.
        return content.replace("-", "+").replace("_", "/")
    if isinstance(content, dict):
        # {"type": "Buffer", "data": [...]} of Node, or {"0": 137, "1": 80} of a Uint8Array.
        content = content.get("data", list(content.values()))
    if not isinstance(content, list) or not 0 < len(content) <= _MAX_BYTES:
        return None
    try:
        return base64.b64encode(bytes(content)).decode()
    except (TypeError, ValueError):
        return None


def _mime_type_of_format(flat: dict[str, Json], kind: str) -> str | None:
    form = string(flat, "format")
    if not form or "/" in form:
        return form or None
    return _FORMATS.get(form, f"{'application' if kind == 'file' else kind}/{form}")


def _mime_type_of_content(content: str) -> str | None:
    if content.startswith("UklGR"):
        # RIFF, a length, then WAVE or WEBP; base64 encodes the last three letters as one group.
        return {"QVZF": "audio/wav", "RUJQ": "image/webp"}.get(content[12:16])
    return next((mime for sign, mime in _SIGNATURES.items() if content.startswith(sign)), None)


def _part_type(modality: str | None, mime_type: str, kind: str) -> str:
    """Return image, audio or file: a file's kind follows from its MIME type and modality."""
    if kind != "file":
        return kind
    if modality is None or (mime_type.startswith(_DOCUMENTS) and mime_type != _UNKNOWN_TYPE):
        # The AI SDK's modality of a document is image.
        modality = mime_type.partition("/")[0]
    return modality if modality in ("image", "audio") else kind
