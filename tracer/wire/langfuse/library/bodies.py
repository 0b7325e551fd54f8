"""Bodies of prompts, datasets, media and queues; unknown fields are ignored, as Langfuse does."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tracer.messages.prompt_names import refusal_of
from tracer.wire.native.requests import Maybe, Time, as_utc, check_id

Name = Annotated[str, Meta(min_length=1, max_length=500)]
Label = Annotated[str, Meta(min_length=1, max_length=100)]


class Sent(msgspec.Struct, kw_only=True, rename="camel"):
    """Base of all bodies: storable text, times with a time zone."""

    def __post_init__(self) -> None:
        for name, sent in zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True):
            value = getattr(self, name)
            if isinstance(value, datetime):
                setattr(self, name, as_utc(value, sent))
            # Other fields are JSON, which may contain characters that text columns can't.
            elif name not in self.json_fields():
                _check(value, sent)
                if isinstance(value, str) and (name == "id" or name.endswith("_id")):
                    check_id(value, sent)

    @classmethod
    def json_fields(cls) -> frozenset[str]:
        """Return the names of the fields that may hold any JSON."""
        return frozenset()


def _check(value: object, sent: str) -> None:
    texts = value if isinstance(value, list) else [value]
    for text in texts:
        if isinstance(text, str) and ("\x00" in text or not _encodable(text)):
            raise ValueError(f"{sent}: expected text without control characters")


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


class PromptBody(Sent, kw_only=True):
    """A new version of a prompt."""

    name: Annotated[
        str, Meta(min_length=1, max_length=500, description="parts of a path, without | and <…>")
    ]
    prompt: Any
    type: Literal["text", "chat"] = "text"
    config: Any = None
    labels: list[Label] | None = None
    tags: list[Label] | None = None
    commit_message: Annotated[str, Meta(max_length=2000)] | None = None
    is_active: bool = False
    """Sent by the first SDKs instead of the label ``production``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if refusal := refusal_of(self.name):
            raise ValueError(f"name: {refusal}")
        if self.type == "text" and not isinstance(self.prompt, str):
            raise ValueError("prompt: expected text, since type is text")
        if self.type == "chat":
            _check_messages(self.prompt)

    @classmethod
    def json_fields(cls) -> frozenset[str]:
        """Return the fields that may hold any JSON."""
        return frozenset({"prompt", "config"})


_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def _check_messages(prompt: object) -> None:
    if not isinstance(prompt, list):
        raise ValueError("prompt: expected a list of messages, since type is chat")
    for index, message in enumerate(prompt):
        if not isinstance(message, dict):
            raise ValueError(f"prompt[{index}]: expected an object")
        placeholder = message.get("type") == "placeholder"
        for field in ("name",) if placeholder else ("role", "content"):
            if field not in message:
                raise ValueError(f"prompt[{index}].{field}: expected a value, got nothing")


def ambiguous_names(prompt: object) -> list[str]:
    """Return the names that a prompt has both as a placeholder and as a variable."""
    listed = prompt if isinstance(prompt, list) else []
    messages = [message for message in listed if isinstance(message, dict)]
    placeholders = {
        message["name"]
        for message in messages
        if message.get("type") == "placeholder" and isinstance(message["name"], str)
    }
    contents = [message.get("content") for message in messages]
    variables = {
        name
        for content in contents
        if isinstance(content, str)
        for name in _VARIABLE.findall(content)
    }
    return sorted(placeholders & variables)


class LabelsBody(Sent, kw_only=True):
    """Labels to point to a version."""

    new_labels: list[Label]


class DatasetBody(Sent, kw_only=True):
    """A new dataset, or further fields of one."""

    name: Name
    description: Maybe[Annotated[str, Meta(max_length=10_000)]] = UNSET
    metadata: Any = UNSET
    input_schema: Any = UNSET
    expected_output_schema: Any = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        # The name is part of addresses.
        check_id(self.name, "name")

    @classmethod
    def json_fields(cls) -> frozenset[str]:
        """Return the fields that may hold any JSON."""
        return frozenset({"metadata", "input_schema", "expected_output_schema"})


class DatasetItemBody(Sent, kw_only=True):
    """A new item, or further fields of one."""

    dataset_name: Name
    id: Name | None = None
    input: Any = UNSET
    expected_output: Any = UNSET
    metadata: Any = UNSET
    source_trace_id: Maybe[Name] = UNSET
    source_observation_id: Maybe[Name] = UNSET
    status: Literal["ACTIVE", "ARCHIVED"] | UnsetType | None = UNSET

    @classmethod
    def json_fields(cls) -> frozenset[str]:
        """Return the fields that may hold any JSON."""
        return frozenset({"input", "expected_output", "metadata"})


class RunItemBody(Sent, kw_only=True):
    """Links a trace to an item in a run."""

    run_name: Name
    dataset_item_id: Name
    run_description: str | None = None
    metadata: Any = None
    observation_id: Name | None = None
    trace_id: Name | None = None
    dataset_version: Annotated[
        Time | None, Meta(description="the dataset was read as of this time")
    ] = None
    created_at: Time | None = None

    @classmethod
    def json_fields(cls) -> frozenset[str]:
        """Return the fields that may hold any JSON."""
        return frozenset({"metadata"})


class QueueBody(Sent, kw_only=True):
    """An annotation queue."""

    name: Name
    description: str | None = None
    score_config_ids: Annotated[list[Name], Meta(min_length=1, max_length=1_000)]


QueueStatus = Literal["PENDING", "COMPLETED"]


class QueueItemBody(Sent, kw_only=True):
    """An item of a queue."""

    object_id: Name
    object_type: Literal["TRACE", "OBSERVATION", "SESSION"]
    status: QueueStatus | None = None


class QueueItemUpdate(Sent, kw_only=True):
    """The status of an item."""

    status: QueueStatus | None = None


class AssignmentBody(Sent, kw_only=True):
    """The assignment of a member to a queue."""

    user_id: Name
