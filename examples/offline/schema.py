"""A value for a JSON schema, made from the words and numbers of a question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPTIONAL_DEPTH = 2  # deeper values have no optional parts, so that a schema may contain itself
MAX_DEPTH = 40
NOT_NAMES = frozenset(
    {"A", "An", "And", "Are", "Can", "Could", "Do", "Does", "Give", "How", "I", "Is"}
    | {"Please", "Show", "Tell", "The", "What", "When", "Where", "Who", "Why"}
)  # capitalised at the start of a question
TEXT_PROPERTIES = frozenset(("query", "question", "text", "input", "prompt", "message"))
FORMATS = {
    "date": "2026-01-31",
    "time": "12:00:00Z",
    "date-time": "2026-01-31T12:00:00Z",
    "duration": "PT1H",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


@dataclass(frozen=True)
class Material:
    """The sources of a value: the root schema, for references, and the question with its words."""

    root: dict[str, Any]
    text: str
    names: Iterator[str]
    numbers: Iterator[float]


def example(schema: dict[str, Any], text: str) -> Any:
    """Return a value that matches `schema`, with the numbers and capitalised words of `text`, in order."""
    names = [word for word in re.findall(r"\b[^\W\d_a-z]\w+", text) if word not in NOT_NAMES]
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]
    return _value(schema, "", Material(schema, text, iter(names), iter(numbers)), 0)


def _value(schema: dict[str, Any], name: str, material: Material, depth: int) -> Any:
    resolved = _resolve(schema, material, depth)
    if "const" in resolved:
        return resolved["const"]
    if options := resolved.get("enum"):
        return next(
            (option for option in options if str(option).lower() in material.text.lower()), options[0]
        )
    make = MAKERS.get(_type(resolved, depth), MAKERS["null"])
    return make(resolved, name, material, depth)


def _resolve(schema: dict[str, Any], material: Material, depth: int) -> dict[str, Any]:
    """Return the schema that references and alternatives lead to."""
    for _ in range(MAX_DEPTH - depth):
        if "$ref" in schema:
            schema = _resolve_reference(schema["$ref"], material.root)
        elif alternatives := schema.get("anyOf") or schema.get("oneOf"):
            schema = _simplest(alternatives, depth)
        elif parts := schema.get("allOf"):
            schema = {key: value for part in parts for key, value in part.items()}
        else:
            return schema
    return {"const": None}


def _resolve_reference(reference: str, root: dict[str, Any]) -> Any:
    schema: Any = root
    for step in reference.lstrip("#/").split("/") if reference != "#" else ():
        schema = schema.get(step.replace("~1", "/").replace("~0", "~"), {})
    return schema


def _simplest(alternatives: list[Any], depth: int) -> Any:
    nulls = [option for option in alternatives if option == {"type": "null"}]
    others = [option for option in alternatives if option not in nulls]
    return nulls[0] if nulls and (depth > OPTIONAL_DEPTH or not others) else others[0]


def _type(schema: dict[str, Any], depth: int) -> str:
    kinds = schema.get("type") or ("object" if "properties" in schema else "string")
    if isinstance(kinds, str):
        return kinds
    return (
        "null"
        if "null" in kinds and depth > OPTIONAL_DEPTH
        else next(kind for kind in kinds if kind != "null")
    )


def _object(schema: dict[str, Any], _: str, material: Material, depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    names = schema.get("required", ()) if depth > OPTIONAL_DEPTH else properties
    return {key: _value(properties.get(key, {}), key, material, depth + 1) for key in names}


def _array(schema: dict[str, Any], name: str, material: Material, depth: int) -> list[Any]:
    length = schema.get("minItems", 0 if depth > OPTIONAL_DEPTH else 1)
    return [_value(schema.get("items", {}), name, material, depth + 1) for _ in range(length)]


def _string(schema: dict[str, Any], name: str, material: Material, _: int) -> str:
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    if name in TEXT_PROPERTIES:
        return material.text
    return next(material.names, material.text)


def _number(schema: dict[str, Any], _: str, material: Material, __: int) -> float:
    minimum: float = schema.get("minimum", schema.get("exclusiveMinimum", float("-inf")))
    maximum: float = schema.get("maximum", schema.get("exclusiveMaximum", float("inf")))
    return min(max(next(material.numbers, 1.0), minimum), maximum)


def _integer(schema: dict[str, Any], name: str, material: Material, depth: int) -> int:
    return int(_number(schema, name, material, depth))


def _boolean(*_: Any) -> bool:
    return True


def _null(*_: Any) -> None:
    return None


MAKERS: dict[str, Callable[[dict[str, Any], str, Material, int], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "null": _null,
}
