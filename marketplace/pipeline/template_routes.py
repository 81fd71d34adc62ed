"""Pipeline templates over HTTP. Open to all, same for all."""

from typing import Any

from marketplace.pipeline import templates
from marketplace.pipeline.schemas import TemplatesView, TemplateVersionView
from marketplace.reference import pipelines
from marketplace.reference.pipelines import TemplateVersion
from marketplace.web.guard import open_to_all
from marketplace.web.openapi import MarketBlueprint

pipeline_templates = MarketBlueprint("pipeline_templates", __name__, description="Stages and gates as versioned data")


@pipeline_templates.get("/pipeline-templates")
@open_to_all
@pipeline_templates.response(200, TemplatesView)
def list_pipeline_templates() -> dict[str, Any]:
    """List the pipeline templates, and the parties that their gates name."""
    data = [
        {
            "slug": each.slug,
            "label": each.label,
            "definition": each.definition,
            "versions": [version.number for version in each.versions],
            "latest": each.latest,
        }
        for each in templates.templates()
    ]
    return {"version": pipelines.VERSION, "parties": list(pipelines.PARTIES.values()), "data": data}


@pipeline_templates.get("/pipeline-templates/<slug>/versions/<int:number>")
@open_to_all
@pipeline_templates.response(200, TemplateVersionView)
def get_pipeline_template_version(slug: str, number: int) -> TemplateVersion:
    """Read one version of a pipeline template, as it was published."""
    return templates.template_version(slug, number)
