"""JSON schemas of a dataset's items: whether they are schemas, and what does not conform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.errors import Invalid, Refusal
from tracer.records import Json

if TYPE_CHECKING:
    import jsonschema_rs

_MOST_SHOWN: Final = 10
_MOST_CHARACTERS: Final = 300


def check_schema(field: str, schema: Json) -> None:
    """Raise Invalid that names the field unless the value is null or a JSON schema."""
    if schema is not None:
        _validator(field, schema)


def mismatches(field: str, schema: Json, value: Json) -> list[Refusal]:
    """Return where a value does not conform to a schema, by path; schema None: any value does.

    Raises Invalid: the schema is none.
    """
    if schema is None:
        return []
    refusals = []
    for error in _validator(field, schema).iter_errors(value):
        path = ".".join([field, *map(str, error.instance_path)])
        refusals.append(Refusal(item="", field=path, reason=error.message[:_MOST_CHARACTERS]))
        if len(refusals) == _MOST_SHOWN:
            break
    return refusals


def _validator(field: str, schema: Json) -> jsonschema_rs.Validator:
    # Loaded by the first schema: most servers have none, and the library takes megabytes.
    import jsonschema_rs

    if not isinstance(schema, dict):
        raise Invalid.of_field(field, "expected a JSON schema, which is an object")
    kind: type[jsonschema_rs.Validator] = jsonschema_rs.Draft7Validator
    if "$schema" in schema:
        kind = jsonschema_rs.validator_cls_for(schema)
    try:
        # No backtracking: a pattern can't take more time than the text is long.
        return kind(schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=_retrieve)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        reason = str(error).partition("\n")[0][:_MOST_CHARACTERS]
        raise Invalid.of_field(field, f"expected a JSON schema: {reason}") from None


def _retrieve(address: str) -> Json:  # noqa: ARG001 - the signature is given
    raise ValueError("references to other documents are not followed")
