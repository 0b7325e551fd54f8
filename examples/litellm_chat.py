"""LiteLLM, with any provider.

pip install litellm openinference-instrumentation-litellm
"""

import os

import litellm

import tracer.sdk as tracer

tracer.init(service="litellm-example")
tracer.instrument()


@tracer.observe(kind="chain")
def ask(question: str) -> str:
    print(tracer.current_trace_url())
    reply = litellm.completion(
        model="openai/gpt-4o",
        messages=[{"role": "user", "content": question}],
        api_base=os.environ.get("OPENAI_BASE_URL"),
    )
    return reply.choices[0].message.content


with tracer.session("chat-1", user="user-1"):
    print(ask("Why is the sky blue?"))
