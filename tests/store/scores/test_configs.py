"""Score configs: created, changed and read within their project."""

from __future__ import annotations

from tracer.store.database.session import transaction
from tracer.store.projects.projects import create_project
from tracer.store.scores.configs import create_config, get_configs, list_configs, update_config


def test_a_config_is_changed_only_in_its_own_project(project: str) -> None:
    with transaction():
        create_project("other", "Other")
        config = create_config(project, name="tone", data_type="numeric", min_value=0)
        assert update_config("other", config.config_id, archived=True) is None
    assert get_configs(project, [config.config_id, "none"]) == {config.config_id: config}
    assert get_configs("other", [config.config_id]) == {}
    assert get_configs(project, []) == {}
    with transaction():
        changed = update_config(project, config.config_id, archived=True, max_value=5)
    assert changed is not None
    assert (changed.archived, changed.min_value, changed.max_value) == (True, 0, 5)
    assert changed.updated_at > config.updated_at
    assert get_configs(project, [config.config_id]) == {config.config_id: changed}


def test_configs_are_listed_newest_first_with_their_number(project: str) -> None:
    made = []
    for name in "abc":
        with transaction():
            made.append(create_config(project, name=name, data_type="boolean"))
    assert list_configs(project, limit=2, offset=0) == (made[:0:-1], 3)
    assert list_configs(project, limit=2, offset=2) == ([made[0]], 3)
    assert list_configs("other", limit=2, offset=0) == ([], 0)
