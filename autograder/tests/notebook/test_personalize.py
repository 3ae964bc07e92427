"""The hook that changes a course's notebooks for each student: off by default; where it is missing, one sentence."""

from pathlib import Path

import nbformat
import pytest
from traitlets.config import Config

from autograder.errors import CourseError
from autograder.model import Status
from autograder.notebook.personalize import Personalization, class_named, personalization


def test_without_a_class_nothing_changes() -> None:
    hook, notebook = personalization(class_named(Config())), nbformat.v4.new_notebook()
    assert type(hook) is Personalization
    assert hook.prepare(notebook, Config()) is hook.with_defaults(notebook) is notebook
    hook.check(notebook, (), Path())
    assert hook.values_for(notebook, {}, "ada") is None
    assert hook.with_values("x = 1", {"x": 2}) == "x = 1"
    assert hook.remark(notebook, {}, "ada") == (Status.OK, ())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module.Class", "cannot be loaded (ModuleNotFoundError: No module named 'no_such_module'); correct"),
        ("autograder.model.NoSuchClass", "cannot be loaded (ImportError: "),
        ("nonsense", "cannot be loaded ("),
        ("collections.Counter", "does not derive from autograder.notebook.personalize.Personalization; name a class"),
    ],
)
def test_a_class_that_is_not_there_is_one_sentence_that_names_the_setting(name: str, said: str) -> None:
    with pytest.raises(CourseError) as raised:
        personalization(class_named(Config({"Personalization": {"cls": name}})))
    assert str(raised.value).startswith(f"nbgrader_config.py: c.Personalization.cls: {name!r} {said}")
    assert "\n" not in str(raised.value)
