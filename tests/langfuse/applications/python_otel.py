"""Langfuse's Python SDKs 3 to 5 as their documentation shows them; prints what to look at."""

import json
import os
from importlib.metadata import version

from langchain_openai import ChatOpenAI
from langfuse import Langfuse, observe, propagate_attributes
from langfuse.langchain import CallbackHandler
from langfuse.openai import OpenAI

MAJOR = int(version("langfuse").partition(".")[0])
MODELS = os.environ["MODELS"] + "/v1"
MESSAGES = [{"role": "user", "content": "hi"}]
langfuse = Langfuse()
told = {"auth": langfuse.auth_check()}


@observe()
def inner(word):
    return word.upper()


@observe()
def outer(word):
    told["decorators"] = langfuse.get_current_trace_id()
    return inner(word)


def chat():
    with (
        langfuse.start_as_current_observation(
            name="chat", as_type="span", input="question"
        ) as root,
        propagate_attributes(
            user_id="user",
            session_id="session",
            tags=["b", "a"],
            metadata={"key": "one"},
            version="v1",
        ),
    ):
        with langfuse.start_as_current_observation(
            name="step", as_type="chain", input={"q": 1}
        ) as step:
            with langfuse.start_as_current_observation(
                name="llm",
                as_type="generation",
                model="gpt-4o",
                input=MESSAGES,
                model_parameters={"temperature": 0.5},
            ) as call:
                call.update(output="hello", usage_details={"input": 10, "output": 5})
                call.update(metadata={"updated": True})
                call.score(name="span", value=1)
            langfuse.create_event(name="note", input="n")
            step.update(level="WARNING", status_message="slow", output="done")
        root.update(output="answer")
        root.score_trace(name="number", value=0.5, comment="why")
        root.score_trace(name="label", value="good", data_type="CATEGORICAL")
        told["chat"] = root.trace_id
    langfuse.create_score(trace_id=root.trace_id, name="flag", value=1, data_type="BOOLEAN")
    if MAJOR > 3:
        langfuse.create_score(trace_id=root.trace_id, name="text", value="w", data_type="TEXT")
    told["url"] = langfuse.get_trace_url(trace_id=root.trace_id)


def openai():
    answer = OpenAI(base_url=MODELS, api_key="none").chat.completions.create(
        model="gpt-4o", messages=MESSAGES, name="openai"
    )
    assert answer.choices[0].message.content


def langchain():
    with langfuse.start_as_current_observation(name="langchain", as_type="span") as root:
        model = ChatOpenAI(model="gpt-4o", base_url=MODELS, api_key="none")
        model.invoke("hi", config={"callbacks": [CallbackHandler()]})
        told["langchain"] = root.trace_id


def reads():
    return {3: reads_3, 4: reads_4, 5: reads_5}[MAJOR]()


def reads_3():
    api, trace_id = langfuse.api, told["chat"]
    trace = api.trace.get(trace_id)
    observations = api.observations.get_many(trace_id=trace_id).data
    return {
        "name": trace.name,
        "observations": sorted(one.name for one in trace.observations),
        "listed": sorted(one.name for one in observations),
        "one": api.observations.get(observations[0].id).id == observations[0].id,
        "traces": [one.id for one in api.trace.list(user_id="user", name="chat").data],
        "sessions": [one.id for one in api.sessions.list().data],
        "scores": sorted(one.name for one in api.score_v_2.get(trace_id=trace_id).data),
        "cost": trace.total_cost > 0,
    }


def reads_4():
    api, trace_id = langfuse.api, told["chat"]
    trace = api.trace.get(trace_id)
    observations = api.legacy.observations_v1.get_many(trace_id=trace_id).data
    second = api.observations.get_many(trace_id=trace_id, fields="core,basic,usage").data
    one = api.legacy.observations_v1.get(observations[0].id)
    return {
        "name": trace.name,
        "observations": sorted(one.name for one in trace.observations),
        "listed": sorted(one.name for one in second),
        "one": one.id == observations[0].id,
        "traces": [one.id for one in api.trace.list(user_id="user", name="chat").data],
        "sessions": [one.id for one in api.sessions.list().data],
        "scores": sorted(one.name for one in api.scores.get_many(trace_id=trace_id).data),
        "cost": trace.total_cost > 0,
    }


def reads_5():
    api, trace_id = langfuse.api, told["chat"]
    found = api.observations.get_many(
        trace_id=trace_id, fields="core,basic,usage,trace_context", limit=2
    )
    rest = api.observations.get_many(
        trace_id=trace_id, fields="core,basic,usage,trace_context", cursor=found.meta.cursor
    )
    listed = [*found.data, *rest.data]
    root = next(one for one in listed if one.is_root_observation)
    scores = api.scores.get_many(trace_id=trace_id, fields="details,subject").data
    return {
        "name": root.trace_name,
        "observations": sorted(one.name for one in listed),
        "listed": sorted(one.name for one in listed),
        "one": scores[0].subject.kind in ("trace", "observation"),
        "traces": [trace_id] if root.user_id == "user" else [],
        "sessions": [root.session_id],
        "scores": sorted(one.name for one in scores),
        "cost": any((one.total_cost or 0) > 0 for one in listed),
    }


outer("a")
chat()
openai()
langchain()
langfuse.flush()
told["reads"] = reads()
print(json.dumps(told))
