"""The project and key of the settings: made once, found again, never another's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from tests.support.serving import run_tracer
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.store.database.session import transaction
from tracer.store.projects.bootstrap import bootstrap
from tracer.store.projects.keys import authenticate, list_keys, revoke_key
from tracer.store.projects.projects import get_project

PUBLIC, SECRET = "pk-lf-1234", "sk-lf-5678"


@pytest.fixture
def asked(config: Config) -> Config:
    return replace(
        config,
        init_project_id="acme",
        init_project_name="Acme",
        init_project_public_key=PUBLIC,
        init_project_secret_key=SECRET,
    )


def test_a_project_and_its_key_are_made_once(app: Flask, asked: Config) -> None:
    bootstrap(asked)
    bootstrap(asked)
    with app.app_context():
        found = authenticate(PUBLIC, SECRET)
        assert found is not None and (found.project_id, found.name) == ("acme", "Acme")
        assert [key.public_key for key in list_keys("acme")] == [PUBLIC]


def test_a_changed_secret_takes_the_place_of_the_old_one(app: Flask, asked: Config) -> None:
    bootstrap(asked)
    bootstrap(replace(asked, init_project_secret_key="sk-lf-new"))
    with app.app_context():
        assert authenticate(PUBLIC, SECRET) is None
        assert authenticate(PUBLIC, "sk-lf-new") is not None


def test_a_revoked_key_stays_revoked(app: Flask, asked: Config) -> None:
    bootstrap(asked)
    with app.app_context(), transaction():
        revoke_key(list_keys("acme")[0].key_id)
    bootstrap(asked)
    with app.app_context():
        assert authenticate(PUBLIC, SECRET) is None


def test_a_project_alone_needs_no_key(app: Flask, config: Config) -> None:
    bootstrap(replace(config, init_project_id="plain"))
    with app.app_context():
        project = get_project("plain")
        assert project is not None and project.name == "plain"


@pytest.mark.parametrize(
    "change",
    [
        {"init_project_secret_key": ""},
        {"init_project_public_key": ""},
        {"init_project_id": ""},
    ],
)
def test_half_a_key_is_refused_with_the_names(asked: Config, change: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="TRACER_INIT_PROJECT_ID"):
        bootstrap(replace(asked, **change))  # type: ignore[arg-type]


def test_anothers_key_is_refused(asked: Config) -> None:
    bootstrap(asked)
    with pytest.raises(ConfigError, match="another project"):
        bootstrap(replace(asked, init_project_id="other"))
    with pytest.raises(ConfigError, match="another key") as refusal:
        bootstrap(replace(asked, init_project_public_key="pk-lf-other"))
    assert SECRET not in str(refusal.value)


def test_the_names_that_langfuse_gave_them_are_read_too() -> None:
    told = {"LANGFUSE_INIT_PROJECT_ID": "theirs", "LANGFUSE_INIT_PROJECT_PUBLIC_KEY": "pk"}
    assert Config.from_env(told).init_project_id == "theirs"
    ours = Config.from_env({**told, "TRACER_INIT_PROJECT_ID": "ours"})
    assert (ours.init_project_id, ours.init_project_public_key) == ("ours", "pk")


def test_the_command_makes_them_and_prints_no_secret(bare_url: str) -> None:
    told = run_tracer(
        "db",
        "upgrade",
        DATABASE_URL=bare_url,
        LANGFUSE_INIT_PROJECT_ID="acme",
        LANGFUSE_INIT_PROJECT_PUBLIC_KEY=PUBLIC,
        LANGFUSE_INIT_PROJECT_SECRET_KEY=SECRET,
    )
    assert told.returncode == 0, told.stderr
    assert SECRET not in told.stdout + told.stderr
    assert PUBLIC in run_tracer("keys", "list", "--project", "acme", DATABASE_URL=bare_url).stdout
