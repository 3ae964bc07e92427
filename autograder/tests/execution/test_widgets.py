"""Widgets in a student's cell cost nothing, whatever their messages contain."""

from dataclasses import replace
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.execution.widgets import MAX_CAPTURED, MAX_WIDGETS, Widgets
from autograder.tests.harness.cells_run import LIMITS, run_cells, values

OUTPUT = {"_model_module": "@jupyter-widgets/output", "_model_name": "OutputModel"}


def _printed(text: str) -> NotebookNode:
    return NotebookNode(nbformat.v4.new_output("stream", name="stdout", text=text))


def _opened(name: str = "o", parent: str = "m") -> Widgets:
    widgets = Widgets()
    widgets.receive("comm_open", {"comm_id": name, "data": {"state": OUTPUT}})
    widgets.receive("comm_msg", {"comm_id": name, "data": {"state": {"msg_id": parent}}})
    return widgets


def _told(widgets: Widgets) -> dict[str, Any]:
    return {each["comm_id"]: each["data"]["state"]["outputs"] for each in widgets.updates()}


def test_what_a_widget_captures_is_told_to_the_kernel_once() -> None:
    widgets, first, other = _opened(), _printed("a"), _printed("b")
    widgets.take("m", first)
    widgets.take("another message", other)
    assert _told(widgets) == {"o": [first]}
    assert _told(widgets) == {}


def test_the_inner_widget_captures_and_then_the_outer_one() -> None:
    widgets, outputs = _opened("outer"), [_printed(text) for text in "abc"]
    widgets.receive("comm_open", {"comm_id": "inner", "data": {"state": OUTPUT}})
    widgets.receive("comm_msg", {"comm_id": "inner", "data": {"state": {"msg_id": "m"}}})
    widgets.take("m", outputs[0])
    widgets.receive("comm_msg", {"comm_id": "inner", "data": {"state": {"msg_id": ""}}})
    widgets.take("m", outputs[1])
    widgets.receive("comm_close", {"comm_id": "outer"})
    widgets.take("m", outputs[2])
    assert _told(widgets) == {"inner": [outputs[0]]}


@pytest.mark.parametrize("wait", [False, True])
def test_a_widget_is_cleared_and_the_rest_of_the_cell_is_not(wait: bool) -> None:
    widgets, own, captured, later = _opened(), _printed("own"), _printed("captured"), _printed("later")
    widgets.take("m", captured)
    shown = [own, captured]
    assert widgets.clear("m", {"wait": wait}, shown)
    assert shown == ([own, captured] if wait else [own])
    widgets.before_output("m", shown)
    assert shown == [own]
    widgets.take("m", later)
    assert _told(widgets) == {"o": [later]}


def test_a_cell_without_a_widget_is_cleared_by_jupyters_client() -> None:
    assert not _opened().clear("another message", {}, [])


def test_outputs_that_the_kernel_sets_are_those_of_the_widget() -> None:
    widgets, later = _opened(), _printed("later")
    widgets.receive("comm_msg", {"comm_id": "o", "data": {"state": {"outputs": [{"text": "set"}]}}})
    assert _told(widgets) == {}  # the kernel knows them
    widgets.take("m", later)
    assert _told(widgets) == {"o": [{"text": "set"}, later]}


@pytest.mark.parametrize(
    "content",
    [
        *(None, [], "x", {}, {"comm_id": 7}, {"comm_id": ["o"]}, {"comm_id": "o"}, {"comm_id": "o", "data": []}),
        *({"comm_id": "o", "data": {"state": state}} for state in (None, [1], {"msg_id": [1]}, {"outputs": 7})),
        {"comm_id": "o", "data": {"state": {"_model_module": [], "_model_name": {}}}},
    ],
)
@pytest.mark.parametrize("kind", ["comm_open", "comm_msg", "comm_close"])
def test_what_is_no_widgets_message_is_ignored(kind: str, content: Any) -> None:
    widgets = _opened("known")
    widgets.receive(kind, content)
    widgets.take("m", _printed("a"))
    assert _told(widgets) == {"known": [_printed("a")]}


def test_widgets_and_what_they_capture_are_limited() -> None:
    widgets = _opened()
    for number in range(MAX_WIDGETS + 5):
        widgets.receive("comm_open", {"comm_id": str(number), "data": {"state": OUTPUT}})
    assert len(widgets._outputs) == MAX_WIDGETS
    for _ in range(MAX_CAPTURED + 5):
        widgets.take("m", _printed("a"))
    assert len(_told(widgets)["o"]) == MAX_CAPTURED


CELLS = {
    "prints in an Output": "with out:\n    print('hello')\ndisplay(out)",
    "a function of an Output": "@out.capture(clear_output=True)\ndef f(): print('hello')\nf()\nf()",
    "interact": "@widgets.interact(n=(0, 5))\ndef f(n=3): print('hello')",
    "a slider that is left displayed": "widgets.IntSlider()",
    "a picture": "widgets.Image(value=b'x' * 1000)",
    "a progress bar": "bar = widgets.IntProgress(max=9)\ndisplay(bar)\nfor bar.value in range(10): pass",
    "an observed slider": "s = widgets.IntSlider()\ns.observe(out.capture()(print))\ns.value = 3\nout",
    "a comm of no widget": "c = __import__('comm').create_comm('x', data={'a': 1})\nc.send({'b': 2})\nc.close()",
    "an error in an Output": "with out: raise ValueError('hello')",
    "an Output that is cleared": "print('before')\nwith out: print(1)\nout.clear_output()\nwith out: print('hello')",
    "an Output in an Output": "o = widgets.Output()\nwith out:\n    with o: print('hello')\n    display(o)",
    "a message that is no widget's": "k = get_ipython().kernel\n"
    "k.session.send(k.iopub_socket, 'comm_msg', {'comm_id': 'x', 'data': 7}, parent=k.get_parent('shell'))",
}


@pytest.mark.kernel
@pytest.mark.parametrize("what", CELLS)
def test_a_widget_costs_nothing(what: str) -> None:
    ran = run_cells("import ipywidgets as widgets\nout = widgets.Output()", CELLS[what], "y = 2", "y-test")
    assert ran.failures == {}
    assert values(ran, "y-test") == {"y": 2}
    if "hello" in CELLS[what]:
        assert "hello" in str(ran.notebook.cells[1].outputs)
    if "before" in CELLS[what]:
        assert [output.text for output in ran.notebook.cells[1].outputs] == ["before\n", "hello\n"]


@pytest.mark.kernel
def test_the_next_cell_can_read_what_an_output_captured() -> None:
    shows = "import ipywidgets\nout = ipywidgets.Output()\nwith out:\n    print('hello')\n    display(1)"
    read = "y = [output.get('text', output.get('data')) for output in out.outputs]"
    assert values(run_cells(shows, read, "y-test"), "y-test") == {"y": ["hello\n", {"text/plain": "1"}]}


@pytest.mark.kernel
@pytest.mark.parametrize(
    "flood",
    [
        "s = ipywidgets.IntSlider(max=10**9)\nwhile True: s.value += 1",
        "image = ipywidgets.Image()\nfor i in range(40): image.value = bytes([i]) * 10**6",
        "with ipywidgets.Output():\n    while True: display('x' * 10_000)",
    ],
)
def test_a_flood_of_a_widgets_messages_costs_its_cell_alone(flood: str) -> None:
    cells = ("import ipywidgets", "x = 1", f"y = 1\n{flood}", "y-test", "z = x + 2", "z-test")
    ran = run_cells(*cells, limits=replace(LIMITS, cell_seconds=30))
    assert [failure.reason for failure in ran.failures.values()] == ["output"]
    assert str(values(ran, "y-test")["y"]).startswith("y: no such name")
    assert values(ran, "z-test") == {"z": 3}
