"""The SDKs that are run: packages, applications, features, and the environment of a run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.support import environments
from tests.support.provider.model_server import model_server

APPLICATIONS: Final = Path(__file__).with_name("applications")
PUBLIC, SECRET = "pk-lf-test", "sk-lf-test"
RUN_SECONDS: Final = 240.0
_WITH: Final = ("openai>=2", "langchain-openai>=1", "langchain>=1")


class Sdk(NamedTuple):
    """One client in one version."""

    name: str
    title: str
    package: str
    application: str
    requirements: tuple[str, ...]
    features: tuple[str, ...]
    arguments: tuple[str, ...] = ()


PYTHON: Final = (
    "decorators",
    "nested generation",
    "trace attributes",
    "scores",
    "OpenAI",
    "LangChain",
    "prompts",
    "media",
    "datasets and experiments",
    "reads",
    "types of values",
    "prompt references",
    "dataset items with media",
    "experiments without a dataset",
    "batch evaluation",
)
_NEWER: Final = PYTHON[PYTHON.index("types of values") :]
PYTHON_2: Final = tuple(name for name in PYTHON if name not in _NEWER)
# Only later minor versions of the newest generations take media in a dataset's item.
PYTHON_3: Final = tuple(name for name in PYTHON if name != "dataset items with media")
JS_5: Final = tuple(name for name in PYTHON if name != "batch evaluation")
JS_4: Final = tuple(name for name in PYTHON_3 if name != "batch evaluation")
JS_3: Final = tuple(name for name in PYTHON_2 if name != "decorators")
LITELLM: Final = ("litellm", "langfuse>=4.7,<5", *environments.OTEL)
# Later releases of OpenAI's package moved what older minor versions patch.
_PYTHON_2_WITH: Final = ("openai>=1,<1.90", "langchain-openai<1", "langchain<1")
_JS_3_WITH: Final = ("langchain@0.3", "@langchain/core@0.3", "@langchain/openai@0.6", "openai@5")
_JS_WITH: Final = (
    "@langchain/core@1",
    "@langchain/openai@1",
    "openai@6",
    "@opentelemetry/sdk-node",
)
_JS_PARTS: Final = ("tracing", "otel", "client", "core", "openai", "langchain")


def _python(major: int, older: str | None, features: tuple[str, ...]) -> Sdk:
    """Return the newest release of a generation of the Python SDK, or the ``older`` one named."""
    return Sdk(
        f"langfuse-python-{major}{'-older' if older else ''}",
        f"Python {major}{', older' if older else ''}",
        "langfuse",
        "python_2.py" if major == 2 else "python_otel.py",
        (
            f"langfuse=={older}" if older else f"langfuse>={major},<{major + 1}",
            *(_PYTHON_2_WITH if major == 2 else _WITH),
        ),
        features,
    )


def _js(major: int, older: str | None, features: tuple[str, ...]) -> Sdk:
    """Return the same of the JavaScript SDK, which has one package until version 3."""
    version = older or str(major)
    if major == 3:
        names, others = ["langfuse", "langfuse-langchain"], _JS_3_WITH
    else:
        names, others = [f"@langfuse/{part}" for part in _JS_PARTS], _JS_WITH
    return Sdk(
        f"langfuse-js-{major}{'-older' if older else ''}",
        f"JavaScript {major}{', older' if older else ''}",
        names[0],
        "js_3.mjs" if major == 3 else "js_otel.mjs",
        (*(f"{name}@{version}" for name in names), *others),
        features,
    )


SDKS: Final = (
    _python(2, None, PYTHON_2),
    _python(2, "2.59.7", PYTHON_2),
    _python(3, None, PYTHON_3),
    _python(3, "3.12.1", PYTHON_3),
    _python(4, None, PYTHON),
    _python(4, "4.0.6", PYTHON_3),
    _python(5, None, PYTHON),
    _python(5, "5.0.1", PYTHON),
    _js(3, None, JS_3),
    _js(3, "3.32.0", JS_3),
    _js(4, None, JS_4),
    _js(4, "4.4.2", JS_4),
    _js(5, None, JS_5),
    _js(5, "5.0.2", JS_4),
    *[
        Sdk(
            "langfuse-litellm",
            f"LiteLLM `{callback}`",
            "litellm",
            "litellm_callbacks.py",
            LITELLM,
            ("LiteLLM",),
            (callback,),
        )
        for callback in ("langfuse", "langfuse_otel")
    ],
)


class Ran(NamedTuple):
    """The report that an application printed, the version of its package, and all its output."""

    report: dict[str, Any]
    version: str
    output: str


def run(sdk: Sdk, url: str) -> Ran:
    """Run the SDK's application against the server at ``url``.

    Raises CannotInstall where its environment can't be made, AssertionError where it fails.
    """
    if sdk.application.endswith(".mjs"):
        directory = environments.node(sdk.name, sdk.requirements)
        script = shutil.copy(APPLICATIONS / sdk.application, directory)
        command = ["node", str(script)]
        version = environments.node_versions(directory, [sdk.package])[sdk.package]
    else:
        interpreter = environments.python(sdk.name, sdk.requirements)
        command = [str(interpreter), str(APPLICATIONS / sdk.application), *sdk.arguments]
        version = environments.python_versions(interpreter, [sdk.package])[sdk.package]
    with model_server() as models, tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            command,
            env={**_environ(url), "MODELS": models, "HOME": home},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return Ran(json.loads(done.stdout.strip().splitlines()[-1]), version, output)


def _environ(url: str) -> dict[str, str]:
    foreign = ("OTEL_", "PYTHON", "TRACER_", "LANGFUSE_", "LANGCHAIN_", "OPENAI_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {
        **kept,
        # The one thing that changes, under the name of each generation, and the keys.
        "LANGFUSE_HOST": url,
        "LANGFUSE_BASE_URL": url,
        "LANGFUSE_BASEURL": url,
        "LANGFUSE_OTEL_HOST": url,
        "LANGFUSE_PUBLIC_KEY": PUBLIC,
        "LANGFUSE_SECRET_KEY": SECRET,
    }
