"""The tables of `docs/permissions.md`; `python -m tests.support.access.permissions` writes them."""

from __future__ import annotations

from tests.support.paths import ROOT
from tracer.store.members.roles import ROLES
from tracer.web.access.policy import POLICY
from tracer.web.access.rights import (
    KEY_KINDS,
    MEANING,
    RIGHTS_OF_KEY,
    RIGHTS_OF_ROLE,
    RIGHTS_OF_TOKEN,
    TOKEN_KINDS,
)
from tracer.web.access.rights import Right as R

PAGE = ROOT / "docs/permissions.md"
_BEGIN, _END = "<!-- made from the policy: begin -->", "<!-- made from the policy: end -->"


def tables() -> str:
    """Return the tables of rights and of routes in Markdown."""
    return "\n\n".join((_rights(), _routes()))


def page() -> str:
    """Return the page with tables made from the policy."""
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{tables()}\n\n{_END}{after}"


def _rights() -> str:
    names = [*ROLES, *(f"key: {k}" for k in KEY_KINDS), *(f"token: {k}" for k in TOKEN_KINDS)]
    holders = [
        *(RIGHTS_OF_ROLE[role] for role in ROLES),
        *(RIGHTS_OF_KEY[kind] for kind in KEY_KINDS),
        *(RIGHTS_OF_TOKEN[kind] for kind in TOKEN_KINDS),
    ]
    lines = [f"| right | allows | {' | '.join(names)} |", f"| --- | --- |{' --- |' * len(names)}"]
    for right in R:
        marks = ["yes" if right in granted or right is R.OPEN else "" for granted in holders]
        lines.append(f"| `{right}` | {MEANING[right]} | {' | '.join(marks)} |")
    return "\n".join(lines)


def _routes() -> str:
    lines = [
        "| methods | routes (the first that fits decides) | right |",
        "| --- | --- | --- |",
    ]
    for line in POLICY:
        methods = "all" if line.methods == "*" else line.methods.removesuffix(" HEAD OPTIONS")
        routes = ", ".join(f"`{pattern}`" for pattern in line.patterns)
        lines.append(f"| {methods} | {routes} | `{line.right}` |")
    return "\n".join([*lines, f"| all | everything else | `{R.SERVER}` |"])


if __name__ == "__main__":
    PAGE.write_text(page())
