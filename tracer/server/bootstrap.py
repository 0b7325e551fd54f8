"""Creates the project, key and owner of the TRACER_INIT_* settings where they do not exist."""

from __future__ import annotations

import secrets
from typing import Any, Final

import psycopg

from tracer.config import Config
from tracer.errors import ConfigError, Invalid
from tracer.store.database import server
from tracer.store.members.passwords import hash_password, weakness
from tracer.store.projects.projects import check_project
from tracer.store.projects.secrets import hash_secret, hint_of

_PROJECT: Final = """
    INSERT INTO projects (project_id, name) VALUES (%s, %s) ON CONFLICT (project_id) DO NOTHING
"""
# A changed setting changes the secret of the key; a revoked key stays revoked.
_KEY: Final = """
    INSERT INTO api_keys AS k (key_id, project_id, name, public_key, secret_hash, secret_hint)
    VALUES (%s, %s, 'TRACER_INIT', %s, %s, %s)
    ON CONFLICT (public_key) DO UPDATE
        SET secret_hash = excluded.secret_hash, secret_hint = excluded.secret_hint
        WHERE k.project_id = excluded.project_id
    RETURNING project_id
"""
# Two servers that start at the same time create one owner.
_OWNER: Final = """
    INSERT INTO members (member_id, email, name, password_hash, administrator)
    VALUES (%s, %s, %s, %s, true) ON CONFLICT DO NOTHING
"""
_ROLES: Final = """
    INSERT INTO roles (project_id, member_id, role)
    SELECT project_id, member_id, 'owner' FROM projects, members WHERE member_id = %s
"""


def bootstrap(config: Config) -> None:
    """Create the project, key and owner of the TRACER_INIT_* settings where they do not exist.

    Raises ConfigError where the settings contradict each other or the stored rows.
    """
    _check_project(config)
    project_id, name = config.init_project
    public, secret = config.init_project_public_key, config.init_project_secret_key
    if project_id:
        with server.connect(config.database_url) as connection:
            connection.execute(_PROJECT, [project_id, name])
            if public:
                _make_key(connection, project_id, public, secret)
    if config.init_owner_email:
        _make_owner(config)


def check_init(config: Config) -> None:
    """Raise ConfigError where the TRACER_INIT_* settings contradict each other or their rules."""
    _check_project(config)
    _check_owner(config)


def _check_owner(config: Config) -> None:
    email, password = config.init_owner_email, config.init_owner_password
    if email and (reason := weakness(password, [email])):
        raise ConfigError(f"TRACER_INIT_OWNER_PASSWORD: {reason}")


def _check_project(config: Config) -> None:
    project_id, name = config.init_project
    public, secret = config.init_project_public_key, config.init_project_secret_key
    if bool(public) != bool(secret) or (public and not project_id):
        raise ConfigError(
            "TRACER_INIT_PROJECT_ID, TRACER_INIT_PROJECT_PUBLIC_KEY and"
            " TRACER_INIT_PROJECT_SECRET_KEY: expected all three, or the id alone"
        )
    if project_id:
        try:
            check_project(project_id, name)
        except Invalid as error:
            [refusal] = error.item_errors
            raise ConfigError(f"TRACER_INIT_PROJECT_ID: {refusal.reason}") from error


def _make_owner(config: Config) -> None:
    """Create the first owner, where there are no members yet."""
    email, password = config.init_owner_email, config.init_owner_password
    with server.connect(config.database_url) as connection:
        if connection.execute("SELECT 1 FROM members LIMIT 1").fetchone() is not None:
            return
        _check_owner(config)
        member_id = secrets.token_hex(8)
        values = [member_id, email, email.partition("@")[0], hash_password(password)]
        connection.execute(_OWNER, values)
        connection.execute(_ROLES, [member_id])


def _make_key(
    connection: psycopg.Connection[Any], project_id: str, public: str, secret: str
) -> None:
    values = [secrets.token_hex(8), project_id, public, hash_secret(secret), hint_of(secret)]
    try:
        taken = connection.execute(_KEY, values).fetchone() is None
    except psycopg.errors.UniqueViolation:
        # Without `from`: the text of the database's error contains the hash.
        raise ConfigError(
            "TRACER_INIT_PROJECT_SECRET_KEY: another key has this secret already"
        ) from None
    if taken:
        raise ConfigError(
            f"TRACER_INIT_PROJECT_PUBLIC_KEY={public}: a key of another project already"
        )
