"""Routes of Langfuse's API that this server does not have, and what to use in their place."""

from __future__ import annotations

import re
from typing import Final

_MEMBERS: Final = "members are managed on the pages of the settings, and by `tracer members`"
_NO_MODELS: Final = "this server calls no models"
_MANAGED: Final = "projects and keys are managed by `tracer projects` and `tracer keys`"
_EVALUATED: Final = "evaluators run in the application and send scores"
# The first that matches counts.
_REASONS: Final = {
    r"(organizations|projects/[^/]+)/memberships(/.*)?": _MEMBERS,
    r"(organizations/)?llm-connections(/.*)?": _NO_MODELS,
    r"organizations(/.*)?": _MANAGED,
    r"projects(/.*)?": _MANAGED,
    r"scim(/.*)?": "there are no organisations whose members could be provisioned",
    r"integrations/blob-storage(/.*)?": "`tracer export` writes traces to files",
    r"v2/(evaluators|evaluation-rules)(/.*)?": _EVALUATED,
    r"unstable/(dashboards|dashboard-widgets)(/.*)?": "dashboards are at /api/v1/dashboards",
    r"unstable/(evaluators|evaluation-rules)(/.*)?": _EVALUATED,
    r"unstable(/.*)?": "it is in no stable version of Langfuse's API",
    r"agent(/.*)?": "this server has no agent of its own",
    r"mcp": "an agent reads over this API",
    r"memberships": _MEMBERS,
    r"(v2/)?skills(/.*)?": "this server stores prompts (/api/public/v2/prompts), and no skills",
    r"feedback": "it is for feedback about Langfuse",
}


def why_not_served(path: str) -> str | None:
    """Return why a path below the prefix has no route, or not with its method; None: it should."""
    reasons = (reason for route, reason in _REASONS.items() if re.fullmatch(route, path))
    return next(reasons, None)
