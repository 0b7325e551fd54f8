"""JSON schemas of a dataset's items: checks the schemas, and items against them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.errors import Invalid, ItemError
from tracer.records import Json
from tracer.store.library.datasets import Dataset, DatasetItem
from tracer.store.library.schema_work import MAX_WORK, SchemaWork

if TYPE_CHECKING:
    import jsonschema_rs

_MAX_MISMATCHES: Final = 10
_MAX_CHARACTERS: Final = 300


class ItemSchema:
    """The schema of a field of a dataset's items; compiled once for all items."""

    def __init__(self, field: str, schema: Json) -> None:
        """Raise Invalid for the field unless the schema is null or a valid JSON schema."""
        self._field = field
        self._validator = None
        if schema is not None:
            self._work = _work(field, schema)
            self._check_work(None)
            self._validator = _validator(field, schema)

    def mismatches(self, value: Json) -> list[ItemError]:
        """Return the deviations of a value from the schema, at most 10; none without a schema.

        Raises Invalid where the check would take too long.
        """
        if self._validator is None:
            return []
        self._check_work(value)
        item_errors = []
        for error in self._validator.iter_errors(value):
            path = ".".join([self._field, *map(str, error.instance_path)])
            item_errors.append(
                ItemError(item="", field=path, reason=error.message[:_MAX_CHARACTERS])
            )
            if len(item_errors) == _MAX_MISMATCHES:
                break
        return item_errors

    def _check_work(self, value: Json) -> None:
        try:
            work = self._work.bound(value)
        except ValueError as error:
            raise _no_schema(self._field, error) from None
        if work > MAX_WORK:
            reason = "expected a smaller value, or a schema that refers to itself less often"
            raise Invalid.of_field(self._field, reason)


class ItemSchemas:
    """Both schemas of a dataset; ``expected_output``: the name of that field in item errors."""

    def __init__(self, dataset: Dataset, expected_output: str) -> None:
        self._has_input = dataset.input_schema is not None
        self._input = ItemSchema("input", dataset.input_schema)
        self._expected_output = ItemSchema(expected_output, dataset.expected_output_schema)

    def mismatches(self, item: DatasetItem) -> list[ItemError]:
        """Return the deviations of an item; raises Invalid where the check would take too long."""
        if item.input is None and self._has_input:
            return [ItemError(item="", field="input", reason="expected a value, got nothing")]
        return [
            *self._input.mismatches(item.input),
            *self._expected_output.mismatches(item.expected_output),
        ]


def _work(field: str, schema: Json) -> SchemaWork:
    if not isinstance(schema, dict):
        raise Invalid.of_field(field, "expected a JSON schema, which is an object")
    try:
        return SchemaWork(schema)
    except ValueError as error:
        raise _no_schema(field, error) from None


def _validator(field: str, schema: Json) -> jsonschema_rs.Validator:
    # Imported by the first schema: most servers have none, and the library takes megabytes.
    import jsonschema_rs

    kind: type[jsonschema_rs.Validator] = jsonschema_rs.Draft7Validator
    if "$schema" in schema:
        kind = jsonschema_rs.validator_cls_for(schema)
    try:
        # RegexOptions: without backtracking, a pattern takes time linear in the text.
        return kind(schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=_retrieve)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise _no_schema(field, error) from None


def _no_schema(field: str, error: Exception) -> Invalid:
    reason = str(error).partition("\n")[0][:_MAX_CHARACTERS]
    return Invalid.of_field(field, f"expected a JSON schema: {reason}")


def _retrieve(address: str) -> Json:  # noqa: ARG001 - the library gives the signature
    raise ValueError("references to other documents are not followed")
