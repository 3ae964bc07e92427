"""What a kernel says is data or damage: it never becomes an error of the judge, or an object of the test."""

import json
from typing import Any

import pytest

from autograder.judging.live.known import TestEnded
from autograder.judging.live.operations import LiveWire
from autograder.judging.live.places import Places
from autograder.model import Reason

OBJECT = {"type": "Odd", "mro": ["__main__:Odd", "builtins:object"], "has": ["eq", "hash"]}
DAMAGED: dict[str, tuple[dict[str, Any], str]] = {  # a reply, and what is damaged in it
    "a class without a name": (
        {"refs": {"k1": {**OBJECT, "type": "a\0b"}}, "value": ["ref", "k1"]},
        "an object of unknown form",
    ),
    "methods that are no list": (
        {"refs": {"k1": {**OBJECT, "has": True}}, "value": ["ref", "k1"]},
        "an object of unknown form",
    ),
    "a reference to nothing": ({"value": ["ref", "k1"]}, "a reference to nothing"),
    "an object under a key of the test": ({"refs": {"j1": OBJECT}, "value": ["ref", "j1"]}, "a reference to nothing"),
    "a list under a key of the test": (
        {"heap": [["j1", "list", ["list", []]]], "value": ["same", "j1"]},
        "a container with a key of the test's",
    ),
    "an empty container": ({"heap": [["k1", "list", []]], "value": ["same", "k1"]}, "a container of unknown form"),
    "an exception of no class": ({"raised": {"mro": True, "args": None, "about": []}}, "an exception of unknown form"),
    "no value": ({}, "no value"),
}


class Kernel:
    """Reply with what a test says."""

    def __init__(self, *replies: dict[str, Any]) -> None:
        self.replies = list(replies)
        self.wire = LiveWire(self.reply, Places({"places": {}, "changed": [], "decided": []}))

    def reply(self, text: str) -> str:
        number = text.split(" ", 1)[0]
        return json.dumps({"n": number, "heap": [], "refs": {}, "printed": "", **self.replies.pop(0)})


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_reply_ends_the_test_with_a_sentence(case: str) -> None:
    reply, what = DAMAGED[case]
    with pytest.raises(TestEnded) as end:
        Kernel(reply).wire.request("name", "f")
    assert end.value.reason is Reason.DAMAGED
    assert str(end.value) == f"the notebook sent something that is not an answer ({what})"


def test_a_later_request_meets_the_same_end_and_the_next_test_does_not() -> None:
    kernel = Kernel({}, {"value": True})
    for _ in range(2):
        with pytest.raises(TestEnded):
            kernel.wire.request("name", "f")
    kernel.wire.reset(ignore_changes=False)
    assert kernel.wire.request("name", "f") is True


def test_an_object_is_known_by_itself_not_by_its_id() -> None:
    wire = Kernel({"refs": {"k1": OBJECT}, "value": ["ref", "k1"]}).wire
    reference = wire.request("name", "f")
    assert wire.key_of(reference) == "k1"
    expected = [1, 4, 9]
    wire.ids[id(expected)] = "k1"  # as if an exception with this id had been forgotten
    assert wire.key_of(expected) == ""


@pytest.mark.parametrize("name", ["autograder.judging.live.known:TestEnded", "__main__:TestEnded"])
def test_no_exception_of_the_judge_is_made_for_a_student(name: str) -> None:
    raised = {"mro": [[name, "TestEnded", "k1"], ["builtins:BaseException", "BaseException", ""]], "args": None}
    with pytest.raises(BaseException, match="passed") as error:
        Kernel({"raised": {**raised, "about": ["TestEnded", "passed", ""]}}).wire.request("name", "f")
    assert not isinstance(error.value, TestEnded)
