"""What students define never runs where tests are judged, and decides nothing there."""

from pathlib import Path

import pytest

from autograder.course.course import Course
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.proving import proved
from autograder.tests.harness.tiny_course import grade_answers, locked, make_course, make_question
from autograder.tests.support import kernels

pytestmark = pytest.mark.xdist_group("live")  # so that one process makes what all of its tests share
QUESTIONS = {  # an answer and its test
    "root": (
        "import math\n\ndef root(x):\n    return math.sqrt(x)",
        "assert math.isclose(root(2) ** 2, 2)\nassert math.isclose(root(9), 3)",
    ),
    "hints": (
        "def hints(x: int) -> int:\n    return x",
        "import typing\nassert typing.get_type_hints(hints)['x'] is int",
    ),
    "texts": ("texts = ['1', '2']", "assert list(map(float, texts)) == [1.0, 2.0]"),
    "saved": (
        "import pickle\nwith open('saved.pickle', 'wb') as file:\n    pickle.dump([1, 2], file)\nsaved = True",
        "import pickle\nfrom pathlib import Path\nassert saved\n"
        "with Path('saved.pickle').open('rb') as file:\n    loaded = pickle.load(file)\nassert loaded == [1, 2]",
    ),
    "parsed": ("parsed = '[1, 2]'", "import json\nassert json.loads(parsed) == [1, 2]"),
    "guard": (
        "class guard:\n    def __enter__(self):\n        return self\n    def __exit__(self, *error):\n        pass",
        "with guard() as g:\n    assert hasattr(g, 'closed') or True\n    assert [type(g) is guard] == [True]\n"
        "    value = 3\n    assert value == getattr(g, 'value', 3)",
    ),
    "mocked": (
        "def mocked(action):\n    action(3)",
        "from unittest.mock import Mock\naction = Mock()\nmocked(action)\naction.assert_called_once_with(3)\n"
        "assert action.call_count == 1",
    ),
    "spied": (
        "def spied(spy):\n    spy.see(1)\n    spy.see(2)",
        "class Spy:\n    def __init__(self):\n        self.seen = []\n        self.count = 0\n"
        "    def see(self, value):\n        self.count += 1\n"
        "spy = Spy()\nspied(spy)\nassert spy.count == 2",
    ),
    "last": ("def last():\n    return [1]", "assert True\nlast()"),
    "equal": ("equal = [1, 4]", "print('look at equal')\nequal == [1, 4]"),
    "drawn": (
        "def drawn(rng):\n    return rng.integers(9)",
        "import numpy as np\nrng = np.random.default_rng(4)\nfor _ in range(3):\n"
        "    assert drawn(rng) in range(9)\n    assert rng.integers(100) < 99.5",
    ),
    "colour": ("def colour(name):\n    return Colour[name]", "assert colour('RED') is Colour.RED"),
}
CHEATS = {  # a broken answer: how its test ends
    "a library's name is bound to another object": (
        {"root": "class math:\n    isclose = lambda *values: True\n\ndef root(x):\n    return 0.0"},
        ("failed", "` failed"),
    ),
    "a library's function is replaced": (
        {"root": "import math\nmath.isclose = lambda *values: True\n\ndef root(x):\n    return 0.0"},
        ("failed", "` failed"),
    ),
    "an annotation is a text": (
        {"hints": 'def hints(x: \'__import__("os").write(4, b"x") and int\') -> int:\n    return x'},
        ("open", "the test executes a text that is not its own"),
    ),
    "a pickle has an object": (
        {
            "saved": "import os, pickle\nclass P:\n    def __reduce__(self):\n        return os.getpid, ()\n"
            "with open('saved.pickle', 'wb') as file:\n    pickle.dump(P(), file)\nsaved = True"
        },
        ("failed", "the test cannot use this answer (PermissionError: a test cannot load objects from a pickle)."),
    ),
    "leaving a block swallows the test's exception": (
        {
            "guard": "class guard:\n    value = 4\n    def __enter__(self):\n        return self\n"
            "    def __exit__(self, *error):\n        return True"
        },
        ("failed", "` failed"),
    ),
    "a mock is told that it was called": (
        {
            "mocked": "def mocked(action):\n    for name, value in {'call_count': 1, 'called': True}.items():\n"
            "        try:\n            setattr(action, name, value)\n        except AttributeError:\n            pass"
        },
        ("failed", "to be called once"),
    ),
    "a mock is configured": (
        {"mocked": "def mocked(action):\n    action.configure_mock(call_count=1)"},
        ("failed", "AttributeError"),
    ),
    "an object of the test is changed": (
        {"spied": "def spied(spy):\n    spy.count = 2"},
        ("failed", "` failed"),
    ),
    "the last value is false": ({"equal": "equal = [1, 5]"}, ("failed", "look at equal")),
    "the last value is no truth value": (
        {"equal": "import numpy as np\nequal = np.array([1, 5])"},
        ("failed", "the test's last value is of type ndarray, not a bool."),
    ),
    "a generator of the test is seeded": (
        {
            "drawn": "import numpy as np\ndef drawn(rng):\n    rng.bit_generator.state = "
            "np.random.default_rng(0).bit_generator.state\n    return 1"
        },
        ("no evidence", "a random generator in a state that drawing does not lead to"),
    ),
    "a member of another enumeration": (
        {
            "colour": "from enum import Enum\nclass Colour(Enum):\n    GREEN = 1\n    __eq__ = lambda s, o: True\n\n"
            "def colour(name):\n    return Colour.GREEN"
        },
        ("no evidence", "the notebook sent something that is not an answer"),
    ),
    "the last value is an object that claims to be a number": (
        {"last": "class N(float):\n    pass\n\ndef last():\n    return True"},
        ("failed", "the test's last value is True; it must be a number of points or None."),
    ),
}


EXECUTING = {  # tests that execute what an answer says
    "eval": ("names = ['1 + 1']", "assert list(map(eval, names)) == [2]"),
    "doctest": (
        'def names():\n    """>>> 1 + 1\n    2\n    """',
        "import doctest\ncase = doctest.DocTestParser().get_doctest(names.__doc__, {}, 'x', None, 0)\n"
        "assert doctest.DocTestRunner().run(case).failed == 0",
    ),
    "timeit": ("names = 'x = 1'", "import timeit\nassert timeit.timeit(stmt=names, number=1) < 5"),
    "program": ("names = 'echo'", "import subprocess\nassert subprocess.call([names]) == 0"),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    cells = [cell for name, (answer, test) in QUESTIONS.items() for cell in make_question(name, answer, test)]
    given = locked("given", "from enum import Enum\n\nclass Colour(Enum):\n    RED = 1\n    BLUE = 2")
    return make_course(tmp_path_factory.mktemp("live"), [given, *cells])


@pytest.mark.kernel
def test_every_solution_earns_its_points(course: Course) -> None:
    verdicts = grade_answers(course, {name: answer for name, (answer, _) in QUESTIONS.items()})
    assert {cell: v.rationale for cell, v in verdicts.items() if v.points != 2} == {}


@pytest.mark.kernel
@pytest.mark.parametrize("cheat", CHEATS)
def test_a_cheat_earns_nothing_and_the_other_tests_are_judged(cheat: str, course: Course) -> None:
    answers, (outcome, sentence) = CHEATS[cheat]
    broken = f"{next(iter(answers))}-test"
    verdicts = grade_answers(course, {name: answer for name, (answer, _) in QUESTIONS.items()} | answers)
    assert (verdicts[broken].outcome, verdicts[broken].points or 0) == (outcome, 0)
    assert sentence in verdicts[broken].rationale
    assert {cell for cell, verdict in verdicts.items() if verdict.points != 2} == {broken}
    assert not kernels(), "no kernel is left"


@pytest.mark.kernel
@pytest.mark.parametrize("way", EXECUTING)
def test_a_test_that_executes_an_answer_is_named(way: str, tmp_path: Path) -> None:
    course = make_course(tmp_path, make_question("names", *EXECUTING[way]))
    (fault,) = proved(SourceAssignment.load(course, "ps1")).faults
    text = "the test executes a text that is not its own"
    assert (text if way != "program" else "PermissionError: a test cannot start a program") in fault


SHARING = {  # questions whose tests share names: an answer and its test
    "make": (
        "class Thing:\n    def __init__(self):\n        self.x = 1\n\ndef make():\n    return Thing()",
        "thing = make()\nassert thing.x == 1",
    ),
    "between": ("between = 1", "assert between == 1"),
    "use": ("def use(thing):\n    return thing.x", "assert use(thing) == 1"),
}


@pytest.mark.kernel
def test_names_of_an_earlier_test_outlive_its_kernel_and_its_fault(tmp_path: Path) -> None:
    cells = [cell for name, (answer, test) in SHARING.items() for cell in make_question(name, answer, test)]
    course, right = make_course(tmp_path, cells), {name: answer for name, (answer, _) in SHARING.items()}
    died = grade_answers(course, {**right, "between": "import os\nos._exit(0)"})
    assert {cell: verdict.points for cell, verdict in died.items()} == {
        "make-test": 2,
        "between-test": 0,
        "use-test": 2,
    }
    yes = "class Yes:\n    __eq__ = lambda self, other: True\n\n"
    thing = "class Thing:\n    def __init__(self):\n        self.x = Yes()\n\ndef make():\n    return Thing()"
    faulty = grade_answers(course, {**right, "make": yes + thing, "use": "def use(thing):\n    return 1"})
    assert {cell: verdict.points for cell, verdict in faulty.items()} == {
        "make-test": 0,
        "between-test": 2,
        "use-test": 2,
    }
