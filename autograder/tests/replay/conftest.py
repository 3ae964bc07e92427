"""What every test of the room is held to: nothing is left behind."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.errors import NoSandboxError
from autograder.kernels import launcher
from autograder.kernels.launcher import Loaded
from autograder.replay import compare
from autograder.tests.harness.toy import MARK, left_behind


@pytest.fixture(scope="module", autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All processes of this module carry its mark; all temporary folders lie in one, which must be empty at the end."""
    folder = tmp_path_factory.mktemp("scratch")
    with contextlib.suppress(NoSandboxError):
        launcher.server(Loaded())  # this process's servers have a folder that stays until it ends: not in the scratch
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_MARK", MARK)
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.setattr(compare, "WORKERS", 4)
        yield folder
    assert list(folder.iterdir()) == []
    assert left_behind() == []
