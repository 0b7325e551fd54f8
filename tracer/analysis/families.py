"""Families of span kinds: model calls, tools, retrieval."""

from __future__ import annotations

from typing import Final

FAMILY_OF_KIND: Final = {
    "generation": "model",
    "tool": "tools",
    "function": "tools",
    "retriever": "retrieval",
    "embedding": "retrieval",
    "reranker": "retrieval",
    "database": "retrieval",
}
"""Kind -> family. A leaf of another kind is ``other``; a parent of another kind has no family."""
FAMILIES: Final = ("model", "tools", "retrieval", "other")
