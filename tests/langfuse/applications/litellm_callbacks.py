"""LiteLLM with its callback `langfuse` (by the ingestion API) and `langfuse_otel` (by OTLP)."""

import json
import os
import sys

import litellm

callback = sys.argv[1]
if callback == "langfuse":
    litellm.success_callback = ["langfuse"]
else:
    litellm.callbacks = ["langfuse_otel"]
litellm.completion(
    model="openai/gpt-4o",
    api_base=os.environ["MODELS"] + "/v1",
    api_key="none",
    messages=[{"role": "user", "content": "hi"}],
    metadata={"trace_name": callback, "trace_user_id": "user", "session_id": "session"},
)
print(json.dumps({"litellm": callback}))
