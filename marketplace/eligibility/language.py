"""The criteria language described for who builds an editor of criteria: taken from the tables that the parser reads.

Knows comparisons, groups, caps and parameters. Must not know any tree, group or programme.
"""

from datetime import date
from typing import Any

from marketplace.eligibility import tree
from marketplace.reference.facts import REGISTRY
from marketplace.reference.parameters import PARAMETERS, amounts
from marketplace.values.reasons import Level


def language_on(day: date) -> dict[str, Any]:
    """The whole language, as JSON values; its named parameters with their values on `day` (null before the first)."""
    return {
        "schema_version": tree.SCHEMA_VERSION,
        "day": day,
        "comparisons": [
            {
                "op": comparison.op,
                "meaning": comparison.meaning,
                "takes": comparison.takes.value,
                "value": tree.SHAPES[comparison.takes],
                "types": sorted(comparison.types),
                "facts": _chained() if comparison.op == tree.WITHIN else [],
                "takes_parameters": comparison.op in tree.WITH_PARAMETERS,
            }
            for comparison in tree.COMPARISONS.values()
        ],
        "types": [{"name": kind, "ops": sorted(ops)} for kind, ops in tree.OPS_BY_TYPE.items()],
        "groups": [{"name": name, "meaning": meaning} for name, meaning in tree.GROUPS.items()],
        "levels": [each.value for each in Level],
        "assurance_levels": list(tree.ASSURANCE_LEVELS),
        "caps": {
            "depth": tree.DEEPEST,
            "nodes": tree.MOST_NODES,
            "branches": tree.MOST_BRANCHES,
            "values": tree.MOST_VALUES,
            "months": tree.MOST_MONTHS,
            "weight": tree.HEAVIEST,
            "reason_length": tree.LONGEST_REASON,
            "faults_told": tree.MOST_ERRORS,
        },
        "code_pattern": f"^{tree.CODE.pattern}$",
        "reserved_codes": sorted(tree.RESERVED_CODES),
        "parameters": [
            {
                "name": parameter.name,
                "type": parameter.type,
                "label": parameter.label,
                "definition": parameter.definition,
                "law": parameter.law,
                "source": parameter.source,
                "value": parameter.value_on(day),
            }
            for parameter in PARAMETERS.values()
            if parameter.name in amounts()
        ],
    }


def _chained() -> list[str]:
    return [slug for slug, definition in REGISTRY.items() if definition.chain is not None]
