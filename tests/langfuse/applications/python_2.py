"""Langfuse's Python SDK 2 as its documentation shows it; prints what the harness has to look at."""

import json
import os

from langchain_openai import ChatOpenAI
from langfuse import Langfuse
from langfuse.callback import CallbackHandler
from langfuse.decorators import langfuse_context, observe
from langfuse.media import LangfuseMedia
from langfuse.openai import OpenAI

MODELS = os.environ["MODELS"] + "/v1"
MESSAGES = [{"role": "user", "content": "hi"}]
langfuse = Langfuse()
report = {"auth": langfuse.auth_check()}


@observe()
def inner(word):
    return word.upper()


@observe()
def outer(word):
    report["decorators"] = langfuse_context.get_current_trace_id()
    return inner(word)


def chat():
    trace = langfuse.trace(
        name="chat",
        user_id="user",
        session_id="session",
        tags=["b", "a"],
        metadata={"key": {"one": 1}},
        input="question",
        version="v1",
        release="r1",
    )
    step = trace.span(name="step", input={"q": 1}, metadata={"m": {"one": 1}})
    call = step.generation(
        name="llm",
        model="gpt-4o",
        input=MESSAGES,
        model_parameters={"temperature": 0.5},
    )
    call.update(metadata={"updated": True})
    call.end(output="hello", usage_details={"input": 10, "output": 5})
    step.event(name="note", input="n")
    step.update(metadata={"m": {"two": 2}}, level="WARNING", status_message="slow")
    step.end(output="done")
    trace.update(output="answer", metadata={"key": {"two": 2}})
    trace.score(name="number", value=0.5, comment="why")
    trace.score(name="label", value="good", data_type="CATEGORICAL")
    langfuse.score(trace_id=trace.id, name="flag", value=1, data_type="BOOLEAN")
    call.score(name="span", value=1)
    report["chat"] = trace.id
    report["url"] = trace.get_trace_url()


def openai():
    answer = OpenAI(base_url=MODELS, api_key="none").chat.completions.create(
        model="gpt-4o", messages=MESSAGES, name="openai"
    )
    assert answer.choices[0].message.content


def langchain():
    handler = CallbackHandler()
    model = ChatOpenAI(model="gpt-4o", base_url=MODELS, api_key="none")
    model.invoke("hi", config={"callbacks": [handler], "run_name": "langchain"})
    handler.flush()
    report["langchain"] = handler.get_trace_id()


def prompts():
    langfuse.create_prompt(
        name="greet", prompt="Hi {{who}}", labels=["production"], config={"t": 1}
    )
    langfuse.create_prompt(name="greet", prompt="Hello {{who}}", labels=["staging"])
    turn = {"role": "user", "content": "{{who}}?"}
    langfuse.create_prompt(name="talk", type="chat", prompt=[turn], labels=["production"])
    greet, staging = langfuse.get_prompt("greet"), langfuse.get_prompt("greet", label="staging")
    lost = langfuse.get_prompt("lost", fallback="Bye {{who}}", max_retries=1)
    return {
        "texts": [prompt.compile(who="Ann") for prompt in (greet, staging, lost)],
        "versions": [greet.version, staging.version],
        "config": greet.config,
        "chat": langfuse.get_prompt("talk", type="chat").compile(who="Ann")[0]["content"],
        "fallback": lost.is_fallback,
        "cached": langfuse.get_prompt("greet") is greet,
    }


def media():
    file = LangfuseMedia(content_bytes=b"a file", content_type="text/plain")
    report["media"] = langfuse.trace(name="media", metadata={"file": file}).id


def datasets():
    langfuse.create_dataset(name="faq", description="d", metadata={"a": 1})
    for number in (1, 2):
        langfuse.create_dataset_item(
            dataset_name="faq", input={"q": number}, expected_output=number, metadata={"n": number}
        )
    dataset = langfuse.get_dataset("faq")
    for item in dataset.items:
        trace = langfuse.trace(name="answer", input=item.input, output=item.expected_output)
        item.link(trace, "run", run_description="why", run_metadata={"m": 1})
        trace.score(name="right", value=1)
    run = langfuse.get_dataset_run("faq", "run")
    return {
        "inputs": sorted(item.input["q"] for item in dataset.items),
        "linked": len(run.dataset_run_items),
        "run": "run",
    }


def reads():
    trace = langfuse.fetch_trace(report["chat"]).data
    observations = langfuse.fetch_observations(trace_id=report["chat"]).data
    return {
        "name": trace.name,
        "observations": sorted(row.name for row in trace.observations),
        "listed": sorted(row.name for row in observations),
        "one": langfuse.fetch_observation(observations[0].id).data.id == observations[0].id,
        "traces": [row.id for row in langfuse.fetch_traces(user_id="user", name="chat").data],
        "sessions": [row.id for row in langfuse.fetch_sessions().data],
        "scores": sorted(row.name for row in trace.scores),
        "cost": trace.total_cost > 0,
    }


outer("a")
chat()
openai()
langchain()
langfuse_context.flush()
langfuse.flush()
report |= {"reads": reads(), "prompts": prompts(), "datasets": datasets()}
media()
langfuse.flush()
print(json.dumps(report))
