"""Routes of Langfuse's API that this server does not have, and what to use in their place."""

from __future__ import annotations

import re
from typing import Final

_MANAGED: Final = "projects and keys are managed by `tracer projects` and `tracer keys`"
_EVALUATED: Final = "evaluators run in the application and send scores"
_REASONS: Final = {
    r"organizations(/.*)?": _MANAGED,
    r"projects(/.*)?": _MANAGED,
    r"scim(/.*)?": "there are no organisations whose members could be provisioned",
    r"integrations/blob-storage(/.*)?": "`tracer export` writes traces to files",
    r"llm-connections(/.*)?": "this server calls no models",
    r"v2/(evaluators|evaluation-rules)(/.*)?": _EVALUATED,
    r"unstable(/.*)?": "dashboards, widgets, evaluators and skills have no public API",
    r"agent(/.*)?": "this server has no agent of its own",
    r"mcp": "an agent reads over this API",
    r"memberships": "members are managed on the pages of the settings",
    r"v2/skills(/.*)?": "skills have no public API",
    r"feedback": "it is for feedback about Langfuse",
}


def why_not_served(path: str) -> str | None:
    """Return why a path below the prefix has no route, or not with its method; None: it should."""
    reasons = (reason for route, reason in _REASONS.items() if re.fullmatch(route, path))
    return next(reasons, None)
