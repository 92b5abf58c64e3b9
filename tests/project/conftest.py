"""Fixtures of the tests of projects."""

from __future__ import annotations

import pytest
from project_harness import ProjectFolder


@pytest.fixture
def applied(project: ProjectFolder) -> ProjectFolder:
    """The project of a test file, applied to its first environment."""
    project.apply_successfully()
    return project
