"""The project and key from the settings: created once, and found again at the next start."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from tests.support.serving import run_tracer
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.server.bootstrap import bootstrap
from tracer.store.database.session import transaction
from tracer.store.members.members import list_members
from tracer.store.members.roles import role_in
from tracer.store.projects.keys import authenticate, list_keys, revoke_key
from tracer.store.projects.projects import get_project

PUBLIC, SECRET = "pk-lf-1234", "sk-lf-5678"


@pytest.fixture
def bootstrap_config(config: Config) -> Config:
    return replace(
        config,
        init_project_id="acme=Acme",
        init_project_public_key=PUBLIC,
        init_project_secret_key=SECRET,
    )


def test_a_project_and_its_key_are_created_once(app: Flask, bootstrap_config: Config) -> None:
    bootstrap(bootstrap_config)
    bootstrap(bootstrap_config)
    with app.app_context():
        key = authenticate(PUBLIC, SECRET)
        assert key is not None
        assert (key.project_id, key.name) == ("acme", "TRACER_INIT")
        assert [row.public_key for row in list_keys("acme")] == [PUBLIC]
        project = get_project("acme")
        assert project is not None
        assert project.name == "Acme"


def test_an_owner_is_created_once_with_a_password_that_is_no_guess(
    app: Flask, config: Config
) -> None:
    owner = replace(
        config, init_owner_email="ada@example.com", init_owner_password="kettle-violet-owl-7"
    )
    with pytest.raises(ConfigError, match="TRACER_INIT_OWNER_PASSWORD"):
        bootstrap(replace(owner, init_owner_password="password1234"))
    bootstrap(owner)
    bootstrap(replace(owner, init_owner_email="bob@example.com"))
    with app.app_context():
        [member] = list_members()
        assert member.email == "ada@example.com"
        assert member.administrator
        assert role_in(member.member_id, "default") == "owner"


def test_a_changed_secret_replaces_the_old_one(app: Flask, bootstrap_config: Config) -> None:
    bootstrap(bootstrap_config)
    bootstrap(replace(bootstrap_config, init_project_secret_key="sk-lf-new"))
    with app.app_context():
        assert authenticate(PUBLIC, SECRET) is None
        assert authenticate(PUBLIC, "sk-lf-new") is not None


def test_a_revoked_key_stays_revoked(app: Flask, bootstrap_config: Config) -> None:
    bootstrap(bootstrap_config)
    with app.app_context(), transaction():
        revoke_key(list_keys("acme")[0].key_id)
    bootstrap(bootstrap_config)
    with app.app_context():
        assert authenticate(PUBLIC, SECRET) is None


def test_a_project_alone_needs_no_key(app: Flask, config: Config) -> None:
    bootstrap(replace(config, init_project_id="plain"))
    with app.app_context():
        project = get_project("plain")
        assert project is not None
        assert project.name == "plain"


@pytest.mark.parametrize(
    "change",
    [
        {"init_project_secret_key": ""},
        {"init_project_public_key": ""},
        {"init_project_id": ""},
        {"init_project_id": "a/b"},
    ],
)
def test_half_a_key_is_refused_with_the_names_of_the_settings(
    bootstrap_config: Config, change: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match="TRACER_INIT_PROJECT_ID"):
        bootstrap(replace(bootstrap_config, **change))  # type: ignore[arg-type]


def test_a_key_of_another_project_is_refused(bootstrap_config: Config) -> None:
    bootstrap(bootstrap_config)
    with pytest.raises(ConfigError, match="another project"):
        bootstrap(replace(bootstrap_config, init_project_id="other"))
    with pytest.raises(ConfigError, match="another key") as refusal:
        bootstrap(replace(bootstrap_config, init_project_public_key="pk-lf-other"))
    assert SECRET not in str(refusal.value)


def test_langfuses_names_of_the_settings_are_read_as_well() -> None:
    variables = {"LANGFUSE_INIT_PROJECT_ID": "theirs", "LANGFUSE_INIT_PROJECT_PUBLIC_KEY": "pk"}
    assert Config.from_env(variables).init_project_id == "theirs"
    ours = Config.from_env({**variables, "TRACER_INIT_PROJECT_ID": "ours"})
    assert (ours.init_project_id, ours.init_project_public_key) == ("ours", "pk")


def test_the_command_creates_both_and_prints_no_secret(bare_url: str) -> None:
    done = run_tracer(
        "db",
        "upgrade",
        DATABASE_URL=bare_url,
        LANGFUSE_INIT_PROJECT_ID="acme",
        LANGFUSE_INIT_PROJECT_PUBLIC_KEY=PUBLIC,
        LANGFUSE_INIT_PROJECT_SECRET_KEY=SECRET,
    )
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert PUBLIC in run_tracer("keys", "list", "--project", "acme", DATABASE_URL=bare_url).stdout
