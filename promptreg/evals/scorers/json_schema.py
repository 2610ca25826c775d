"""A scorer that holds the answer against a JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from promptreg.core.errors import PromptregError
from promptreg.evals.cases import Case
from promptreg.evals.json_text import strict_json
from promptreg.evals.scorer import ScorerError, TextScorer

INSTALL = "The json-schema scorer needs jsonschema: pip install 'git-promptreg[json-schema]'"

#: Keywords whose values are data, in which a `$ref` refers to nothing.
_DATA = frozenset({"const", "default", "enum", "examples"})
_PROBES: tuple[Any, ...] = (None, True, 0, "", [], {})


class JsonSchema(TextScorer):
    """The answer is JSON that fits `schema` (JSON Schema, draft 2020-12 unless `$schema` names another).

    References to other documents are not fetched.
    """

    main_option: ClassVar[tuple[str, ...]] = ("schema",)

    type: Literal["json-schema"]
    json_schema: Annotated[dict[str, Any] | bool, Field(alias="schema")]

    def score(self, answer: str, case: Case) -> float:
        """1 where the answer fits; ScorerError where the schema leads nowhere for it."""
        self._validator  # noqa: B018 - a schema that is none is told before the answer is looked at
        try:
            data = strict_json(answer)
        except (ValueError, RecursionError):
            return 0.0
        return float(self._fits(data))

    def check_options(self) -> None:
        """The library must be there, the schema must be one, and its references must lead somewhere."""
        self._validator  # noqa: B018 - making it is the check
        if not _has_ids(self.json_schema):
            self._check_references()
        for probe in _PROBES:
            self._fits(probe)

    def check(self, case: Case) -> None:
        """The library must be there, and the schema must be one."""
        self._validator  # noqa: B018 - making it is the check

    def _check_references(self) -> None:
        import referencing
        import referencing.exceptions
        import referencing.jsonschema

        known = referencing.jsonschema.specification_with
        dialect = self.json_schema.get("$schema", "") if isinstance(self.json_schema, dict) else ""
        specification = known(dialect, default=referencing.jsonschema.DRAFT202012)
        resource = specification.create_resource(self.json_schema)
        resolver = referencing.Registry().with_resource("", resource).resolver()
        for reference in _references(self.json_schema):
            if not reference.startswith("#"):
                raise ScorerError(f"the schema refers to {reference}; other documents are not fetched.")
            try:
                resolver.lookup(reference)
            except referencing.exceptions.Unresolvable:
                raise ScorerError(f"the schema refers to {reference}, which it does not hold.") from None

    def _fits(self, data: Any) -> bool:
        import referencing.exceptions

        try:
            return bool(self._validator.is_valid(data))
        except referencing.exceptions.Unresolvable as problem:
            raise ScorerError(f"the schema refers to {problem.ref}, which it does not hold.") from None
        except RecursionError:
            raise ScorerError("the schema refers to itself without end, or the answer is nested too deep.") from None
        except (ArithmeticError, AttributeError, TypeError, re.error) as problem:
            # what a reference leads to may be no schema, which jsonschema finds out on the way
            raise ScorerError(f"the schema cannot be followed: {problem}.") from None

    @cached_property
    def _validator(self) -> Any:
        try:
            import jsonschema
            import referencing
        except ImportError:
            raise PromptregError(INSTALL) from None
        dialect = self.json_schema.get("$schema", "") if isinstance(self.json_schema, dict) else ""
        if not isinstance(dialect, str):
            raise ScorerError("this is not a JSON Schema: $schema must be text.")
        kind = jsonschema.validators.validator_for(self.json_schema, default=jsonschema.Draft202012Validator)
        try:
            kind.check_schema(self.json_schema)
        except jsonschema.SchemaError as problem:
            raise ScorerError(f"this is not a JSON Schema: {problem.message}.") from None
        except (OverflowError, RecursionError) as problem:
            raise ScorerError(f"this is not a JSON Schema: {problem}.") from None
        return kind(self.json_schema, registry=referencing.Registry())


def _subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """All mappings in a schema but those that are data."""
    waiting = [schema]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            yield here
            waiting.extend(value for key, value in here.items() if key not in _DATA)
        elif isinstance(here, list):
            waiting.extend(here)


def _references(schema: Any) -> list[str]:
    """Where a schema's references lead, as written."""
    found = [here.get("$ref") for here in _subschemas(schema)]
    return [reference for reference in found if isinstance(reference, str)]


def _has_ids(schema: Any) -> bool:
    """Whether parts of a schema are named, so that a reference that looks remote may lead to one of them."""
    return any(isinstance(here.get(key), str) for here in _subschemas(schema) for key in ("$id", "id"))
