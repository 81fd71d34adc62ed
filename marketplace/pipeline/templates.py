"""Which template version a proposal is pinned to. Knows the published templates; must not know any gate's outcome."""

from marketplace.pipeline.models import ProposalPipeline
from marketplace.reference import pipelines
from marketplace.reference.pipelines import Template, TemplateVersion
from marketplace.values.refusals import NotFound


def template_of(pinned: ProposalPipeline | None) -> TemplateVersion:
    """The version that the proposal is pinned to; before its first publication the one that it would be."""
    if pinned is None:
        return pipelines.TEMPLATES[pipelines.DEFAULT].latest
    return template_version(pinned.template, pinned.template_version)


def templates() -> list[Template]:
    """Every template."""
    return list(pipelines.TEMPLATES.values())


def template_version(slug: str, number: int) -> TemplateVersion:
    """One version of a template; NotFound where it was never published."""
    template = pipelines.TEMPLATES.get(slug)
    version = None if template is None else template.version(number)
    if version is None:
        raise NotFound("There is no such template version.")
    return version
