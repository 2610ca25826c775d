"""Fixtures named as places, and an environment in which nothing of the machine's own counts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.place import Place

_GIT = {
    "GIT_AUTHOR_NAME": "Aki",
    "GIT_AUTHOR_EMAIL": "aki@example.com",
    "GIT_COMMITTER_NAME": "Aki",
    "GIT_COMMITTER_EMAIL": "aki@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "file",
}


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name == "CI" or name.startswith(("PROMPTREG_", "GIT_", "GITHUB_", "CI_", "GITLAB_")):
            monkeypatch.delenv(name)
    for name, value in _GIT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def folder(tmp_path: Path) -> Place:
    """An empty folder that is no git repository."""
    return Place(tmp_path)


@pytest.fixture
def repo(folder: Place) -> Place:
    """An empty git repository on the branch main."""
    return folder.init()


@pytest.fixture
def registry(repo: Place) -> Place:
    """A git repository with a registry, committed."""
    repo.registry()
    repo.commit("Begin")
    return repo


@pytest.fixture
def shipped(registry: Place) -> Place:
    """A registry in which support/answer 1.0.0 is in production, committed."""
    registry.draft("support/answer")
    registry.ok("ship", "support/answer", "--to", "production", "-m", "First")
    registry.commit("Ship")
    return registry


@pytest.fixture
def in_place(folder: Place) -> Iterator[Place]:
    """The folder as working directory."""
    with folder.inside():
        yield folder
