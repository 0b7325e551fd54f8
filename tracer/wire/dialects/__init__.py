"""What attributes mean: every dialect, in order of precedence."""

from __future__ import annotations

from typing import Final

from tracer.wire.dialects import (
    anthropic,
    claude_code,
    database,
    flue,
    gen_ai,
    general,
    genkit,
    google_adk,
    http,
    langfuse,
    langsmith,
    litellm,
    livekit,
    logfire,
    mcp,
    mlflow,
    openinference,
    openlit,
    openllmetry,
    plain,
    pydantic_ai,
    rpc,
    semantic_kernel,
    smolagents,
    spring_ai,
    tracer,
    vercel_ai,
)
from tracer.wire.dialects.table import Dialect

DIALECTS: Final[tuple[Dialect, ...]] = (
    tracer.DIALECT,
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
    google_adk.DIALECT,
    livekit.DIALECT,
    genkit.DIALECT,
    smolagents.DIALECT,
    claude_code.DIALECT,
    anthropic.DIALECT,
    flue.DIALECT,
    mcp.DIALECT,
    gen_ai.DIALECT,
    http.DIALECT,
    database.DIALECT,
    rpc.DIALECT,
    plain.DIALECT,
    general.DIALECT,
)
"""For each field the first dialect that has it is believed."""
