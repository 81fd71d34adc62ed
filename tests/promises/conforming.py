"""The contract of openapi.yaml as a judge of answers: status documented, media type, headers' form, schema."""

from functools import cache
from typing import Any

import orjson
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.promises.played import Answer, Operation

DOCUMENT = "urn:marketplace:openapi"


class Contract:
    """What the document promises of each answer."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self.registry: Registry[Any] = Registry().with_resource(DOCUMENT, resource)
        self._validator = cache(self._made)

    def faults(self, operation: Operation, answer: Answer) -> list[str]:
        """What is wrong with the answer; nothing when it conforms."""
        where = f"#/paths/{_step(operation.path)}/{operation.method}/responses"
        described = operation.described["responses"].get(str(answer.status))
        if described is None:
            return [f"the status {answer.status} is not documented"]
        if "$ref" in described:
            where = described["$ref"]
            described = self.document["components"]["responses"][where.rsplit("/", 1)[1]]
        else:
            where = f"{where}/{answer.status}"
        content = described.get("content")
        if not content:
            return ["has a body where none is documented"] if answer.body else []
        if answer.media_type not in content:
            return [f"{answer.media_type} is not one of {sorted(content)}"]
        if not answer.media_type.endswith("json"):
            return []
        pointer = f"{where}/content/{_step(answer.media_type)}/schema"
        if answer.status >= 400 and answer.media_type != "application/problem+json":
            return ["a refusal is no problem+json"]
        found = self._validator(pointer).iter_errors(orjson.loads(answer.body))
        return [f"{'/'.join(map(str, each.absolute_path))}: {each.message[:200]}" for each in found]

    def _made(self, pointer: str) -> OAS31Validator:
        return OAS31Validator(
            {"$ref": f"{DOCUMENT}{pointer}"}, registry=self.registry, format_checker=oas31_format_checker
        )


def _step(name: str) -> str:
    """One step of a JSON pointer in a URI fragment."""
    return name.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
