"""What a funder's own question may be. Pure."""

from collections.abc import Mapping
from typing import Any

from marketplace.values.refusals import Conflict, Forbidden, Unprocessable

CHOICES = frozenset({"choice", "choices"})
TYPES = ("boolean", "choice", "choices", "money", "integer", "percentage", "decimal", "date")
"""The types of the facts registry, but for areas: where a group works is a fact of the registry."""

MOST_OPTIONS = 50
MOST_QUESTIONS = 100
"""How many questions in use one organisation may have."""

MOST_DECIMALS = 6
Fault = dict[str, str]


class QuestionFaults(Unprocessable):
    """The question contradicts itself; `errors` points at each fault."""

    code = "question-faults"
    title = "The question cannot be asked as it stands"


class QuestionTaken(Conflict):
    """A question of that slug exists; use it if it asks the same, so that groups answer once."""

    code = "question-taken"
    title = "There is a question of that slug"


class TooManyQuestions(Conflict):
    """The organisation has as many questions in use as one may have; retire some."""

    code = "too-many-questions"
    title = "Your organisation asks too many questions"


class QuestionRetired(Conflict):
    """The question is retired already."""

    code = "question-retired"
    title = "The question is retired"


class NotAnAsker(Forbidden):
    """Only organisations that publish programmes ask questions of their own."""

    code = "not-an-asker"
    title = "An organisation of this kind asks no questions"


class NotYourQuestion(Forbidden):
    """Another organisation asks it: everyone may read and use it, only that one retires it."""

    code = "not-your-question"
    title = "It is another organisation's question"


def question_faults(draft: Mapping[str, Any]) -> list[Fault]:
    """Every way in which a question contradicts its type."""
    faults = []
    options = [option["slug"] for option in draft.get("options") or []]
    if draft["type"] in CHOICES and len(options) < 2:
        faults.append(_fault("options", "A choice has two options or more."))
    if draft["type"] not in CHOICES and options:
        faults.append(_fault("options", "Only a choice has options."))
    if len(set(options)) != len(options):
        faults.append(_fault("options", "Says the same slug twice."))
    if (draft["type"] == "decimal") != (draft.get("scale") is not None):
        faults.append(_fault("scale", "A decimal says how many decimals it has, and nothing else does."))
    return faults


def _fault(member: str, detail: str) -> Fault:
    return {"pointer": f"#/{member}", "detail": detail}
