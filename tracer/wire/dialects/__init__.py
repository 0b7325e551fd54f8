"""What attributes mean: every dialect, in order of precedence."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects import (
    gen_ai,
    general,
    langfuse,
    langsmith,
    litellm,
    logfire,
    mlflow,
    openinference,
    openlit,
    openllmetry,
    pydantic_ai,
    semantic_kernel,
    spring_ai,
    vercel_ai,
)
from tracer.wire.dialects.table import Dialect

DIALECTS: Final[tuple[Dialect, ...]] = (
    langfuse.DIALECT,
    mlflow.DIALECT,
    openinference.DIALECT,
    # These build on gen_ai's names, so that what they say in their own is the more exact.
    langsmith.DIALECT,
    vercel_ai.DIALECT,
    pydantic_ai.DIALECT,
    openlit.DIALECT,
    semantic_kernel.DIALECT,
    spring_ai.DIALECT,
    litellm.DIALECT,
    openllmetry.DIALECT,
    logfire.DIALECT,
    gen_ai.DIALECT,
    general.DIALECT,
)
"""For each field the first dialect that has it is believed."""
