"""Langfuse's Python SDKs 3 to 5 as their documentation shows them; prints what to look at."""

import json
import os
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import get_args

import langfuse.media as media_types
from langchain_openai import ChatOpenAI
from langfuse import Evaluation, Langfuse, observe, propagate_attributes
from langfuse.batch_evaluation import EvaluatorInputs
from langfuse.langchain import CallbackHandler
from langfuse.media import LangfuseMedia
from langfuse.openai import OpenAI
from langfuse.types import ScoreDataType

MAJOR = int(version("langfuse").partition(".")[0])
MODELS = os.environ["MODELS"] + "/v1"
MESSAGES = [{"role": "user", "content": "hi"}]
langfuse = Langfuse()
report = {
    "auth": langfuse.auth_check(),
    "texts": [name for name in ("TEXT", "CORRECTION") if name in get_args(ScoreDataType)],
}


@observe()
def inner(word):
    return word.upper()


@observe()
def outer(word):
    report["decorators"] = langfuse.get_current_trace_id()
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
        report["chat"] = root.trace_id
    langfuse.create_score(trace_id=root.trace_id, name="flag", value=1, data_type="BOOLEAN")
    for data_type in report["texts"]:
        langfuse.create_score(
            trace_id=root.trace_id, name=data_type, value="better", data_type=data_type
        )
    langfuse.create_score(session_id="session", name="of session", value=0.25)
    report["url"] = langfuse.get_trace_url(trace_id=root.trace_id)


def openai():
    answer = OpenAI(base_url=MODELS, api_key="none").chat.completions.create(
        model="gpt-4o", messages=MESSAGES, name="openai"
    )
    assert answer.choices[0].message.content


def langchain():
    with langfuse.start_as_current_observation(name="langchain", as_type="span") as root:
        model = ChatOpenAI(model="gpt-4o", base_url=MODELS, api_key="none")
        model.invoke("hi", config={"callbacks": [CallbackHandler()]})
        report["langchain"] = root.trace_id


def prompts():
    langfuse.create_prompt(
        name="greet", prompt="Hi {{who}}", labels=["production"], config={"t": 1}
    )
    langfuse.create_prompt(name="greet", prompt="Hello {{who}}", labels=["staging"])
    turn = {"role": "user", "content": "{{who}}?"}
    langfuse.create_prompt(name="talk", type="chat", prompt=[turn], labels=["production"])
    greet, staging = langfuse.get_prompt("greet"), langfuse.get_prompt("greet", label="staging")
    lost = langfuse.get_prompt("lost", fallback="Bye {{who}}", max_retries=0)
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
    with langfuse.start_as_current_observation(name="media", as_type="span", input=file) as root:
        report["media"] = root.trace_id


def datasets():
    langfuse.create_dataset(name="faq", description="d", metadata={"a": 1})
    for number in (1, 2):
        langfuse.create_dataset_item(
            dataset_name="faq", input={"q": number}, expected_output=number, metadata={"n": number}
        )
    dataset = langfuse.get_dataset("faq")
    result = dataset.run_experiment(
        name="nightly",
        run_name="run",
        description="why",
        metadata={"m": 1},
        task=lambda *, item, **_: item.input["q"],
        evaluators=[lambda **_: Evaluation(name="right", value=1)],
        run_evaluators=[lambda **_: Evaluation(name="mean", value=0.5)],
    )
    return {
        "inputs": sorted(item.input["q"] for item in dataset.items),
        "linked": len(result.item_results),
        "run": "run",
    }


def types():
    values = {"number": 42, "text": "42", "flag": True, "name": "true", "float": 0.5}
    with langfuse.start_as_current_observation(
        name="types", as_type="span", metadata=values, input=True, output=2
    ) as root:
        root.update(metadata={"later": 7})
    report["types"] = {
        "trace": root.trace_id,
        "metadata": {**values, "later": 7},
        "input": True,
        "output": 2,
    }


def references():
    langfuse.create_prompt(name="tone", prompt="kindly", labels=["production", "eu"])
    text = "Answer @@@langfusePrompt:name=tone|label=production@@@"
    langfuse.create_prompt(name="uses", prompt=text, labels=["production"])
    langfuse.update_prompt(name="tone", version=1, new_labels=["staging"])
    try:
        langfuse.api.prompts.delete("tone")
        deleted = True
    except Exception as error:
        deleted = getattr(error, "status_code", None)
    return {
        "text": langfuse.get_prompt("uses").prompt,
        "labels": langfuse.api.prompts.get("tone").labels,
        "deleted": deleted,
    }


def items_with_media():
    file = LangfuseMedia(content_bytes=b"picture", content_type="image/png")
    langfuse.create_dataset(name="pictures", input_schema={"type": "object"})
    langfuse.create_dataset_item(dataset_name="pictures", id="p1", input={"image": file})
    archived = {"id": "p2", "input": {"image": "none"}, "status": "ARCHIVED"}
    langfuse.create_dataset_item(dataset_name="pictures", **archived)
    [item] = langfuse.get_dataset("pictures").items
    return item.input["image"].fetch_bytes().decode()


def experiment_alone():
    result = langfuse.run_experiment(
        name="alone",
        data=[{"input": 1, "expected_output": 1}, {"input": 2, "expected_output": 2}],
        task=lambda *, item, **_: item["input"],
        evaluators=[lambda **_: Evaluation(name="right", value=1)],
    )
    return sorted(row.output for row in result.item_results)


def batch_evaluation():
    name = {"type": "string", "column": "name", "operator": "=", "value": "llm"}
    result = langfuse.run_batched_evaluation(
        mapper=lambda *, item: EvaluatorInputs(
            input=item.input, output=item.output, expected_output=None, metadata=None
        ),
        evaluators=[lambda **_: Evaluation(name="batch", value=0.25)],
        filter=json.dumps([name]),
        **({} if MAJOR > 4 else {"scope": "observations"}),
    )
    return [result.total_items_processed, result.total_scores_created]


def reads():
    return {3: reads_3, 4: reads_4, 5: reads_5}[MAJOR]()


def reads_3():
    api, trace_id = langfuse.api, report["chat"]
    trace = api.trace.get(trace_id)
    observations = api.observations.get_many(trace_id=trace_id).data
    return {
        "name": trace.name,
        "observations": sorted(row.name for row in trace.observations),
        "listed": sorted(row.name for row in observations),
        "one": api.observations.get(observations[0].id).id == observations[0].id,
        "traces": [row.id for row in api.trace.list(user_id="user", name="chat").data],
        "sessions": [row.id for row in api.sessions.list().data],
        "scores": sorted(row.name for row in api.score_v_2.get(trace_id=trace_id).data),
        "cost": trace.total_cost > 0,
    }


def reads_4():
    api, trace_id = langfuse.api, report["chat"]
    trace = api.trace.get(trace_id)
    observations = api.legacy.observations_v1.get_many(trace_id=trace_id).data
    second = api.observations.get_many(trace_id=trace_id, fields="core,basic,usage").data
    row = api.legacy.observations_v1.get(observations[0].id)
    return {
        "name": trace.name,
        "observations": sorted(row.name for row in trace.observations),
        "listed": sorted(row.name for row in second),
        "one": row.id == observations[0].id,
        "traces": [row.id for row in api.trace.list(user_id="user", name="chat").data],
        "sessions": [row.id for row in api.sessions.list().data],
        "scores": sorted(row.name for row in api.scores.get_many(trace_id=trace_id).data),
        "cost": trace.total_cost > 0,
    }


def reads_5():
    api, trace_id = langfuse.api, report["chat"]
    page = api.observations.get_many(
        trace_id=trace_id, fields="core,basic,usage,trace_context", limit=2
    )
    rest = api.observations.get_many(
        trace_id=trace_id, fields="core,basic,usage,trace_context", cursor=page.meta.cursor
    )
    listed = [*page.data, *rest.data]
    root = next(row for row in listed if row.is_root_observation)
    scores = api.scores.get_many(trace_id=trace_id, fields="details,subject").data
    return {
        "name": root.trace_name,
        "observations": sorted(row.name for row in listed),
        "listed": sorted(row.name for row in listed),
        "one": scores[0].subject.kind in ("trace", "observation"),
        "traces": [trace_id] if root.user_id == "user" else [],
        "sessions": [root.session_id],
        "scores": sorted(row.name for row in scores),
        "cost": any((row.total_cost or 0) > 0 for row in listed),
    }


outer("a")
chat()
types()
openai()
langchain()
langfuse.flush()
report |= {"reads": reads(), "prompts": prompts(), "datasets": datasets()}
report["references"] = references()
report["batch evaluation"] = batch_evaluation()
if hasattr(media_types, "LangfuseMediaReference"):
    report["items with media"] = items_with_media()
media()
langfuse.flush()
if MAJOR > 4:
    since = datetime.now(UTC) - timedelta(hours=1)
    report["datasets"]["read"] = {
        "experiments": [
            (item.name, item.item_count, [score.value for score in item.scores])
            for item in langfuse.api.experiments.list(
                from_start_time=since, fields="core,scores"
            ).data
        ],
        "items": sorted(
            (item.output, item.expected_output, [score.name for score in item.scores])
            for item in langfuse.api.experiments.list_items(
                from_start_time=since, fields="core,io,scores"
            ).data
        ),
    }
report["experiment alone"] = experiment_alone()
langfuse.flush()
print(json.dumps(report))
