"""Take the browser's place for widgets: capture what an `Output` widget is asked to show, and tell the kernel.

Theory of operation. A widget's messages are no output, so they are only counted (see `client`). One widget needs an
answer: ipywidgets' `Output`, which `interact` uses too, asks the browser to show the outputs of one message inside it.
Here these outputs stay in their cell, where the instructor can read them. The kernel gets them, too, after the cell:
then `out.outputs` is what it is in JupyterLab. nbclient has this also, but fails with `store_widget_state=False`, and
sends all outputs again for each new one.

A student's code can send any content. What does not look like a widget's message is ignored, so that no message about
widgets costs more than itself.
"""

from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

MODEL = ("@jupyter-widgets/output", "OutputModel")
MAX_WIDGETS = 1_000  # `Output` widgets of one notebook; later ones capture nothing
MAX_CAPTURED = 10_000  # outputs of one widget that the kernel gets; later ones stay in their cell only


@dataclass
class _Output:
    """One `Output` widget: the message whose outputs it captures ("" for none), and the captured outputs."""

    parent: str = ""
    outputs: list[Any] = field(default_factory=list)
    waits: bool = False  # it is cleared before its next output
    is_changed: bool = False  # the kernel does not know of the change

    def clear(self, shown: list[NotebookNode]) -> None:
        """Forget what was captured, in the cell's outputs, too."""
        own = set(map(id, self.outputs))
        shown[:] = [output for output in shown if id(output) not in own]
        self.outputs, self.waits, self.is_changed = [], False, True


class Widgets:
    """The `Output` widgets of one kernel."""

    def __init__(self) -> None:
        self._outputs: dict[str, _Output] = {}
        self._stack: list[_Output] = []  # those that capture now; the last one comes first

    def receive(self, kind: str, content: Any) -> None:
        """Read one of a widget's messages: `comm_open`, `comm_msg` or `comm_close`."""
        name, data = _part(content, "comm_id", str), _part(content, "data", dict) or {}
        state = _part(data, "state", dict) or {}
        if not name:
            return
        if kind == "comm_close":
            self._capture(self._outputs.pop(name, _Output()), "")
            return
        is_output = (state.get("_model_module"), state.get("_model_name")) == MODEL
        if kind == "comm_open" and is_output and len(self._outputs) < MAX_WIDGETS:
            self._outputs[name] = _Output()
        if widget := self._outputs.get(name):
            if isinstance(given := state.get("outputs"), list):
                widget.outputs, widget.is_changed = given[:MAX_CAPTURED], False
            if isinstance(parent := state.get("msg_id"), str):
                self._capture(widget, parent)

    def before_output(self, parent: Any, shown: list[NotebookNode]) -> None:
        """Clear the widget that captures the next output of a message, if it waited for that output."""
        widget = self._capturing(parent)
        if widget and widget.waits:
            widget.clear(shown)

    def take(self, parent: Any, output: NotebookNode) -> None:
        """Let the widget that captures the outputs of a message have one."""
        widget = self._capturing(parent)
        if widget and len(widget.outputs) < MAX_CAPTURED:
            widget.outputs.append(output)
            widget.is_changed = True

    def clear(self, parent: Any, content: Any, shown: list[NotebookNode]) -> bool:
        """Clear the widget that captures the outputs of a message; return False if none does."""
        widget = self._capturing(parent)
        if widget is None:
            return False
        if _part(content, "wait", bool):
            widget.waits = True
        else:
            widget.clear(shown)
        return True

    def updates(self) -> list[dict[str, Any]]:
        """Return the contents of the messages that tell the kernel what was captured since the last call."""
        changed = [(name, widget) for name, widget in self._outputs.items() if widget.is_changed]
        for _, widget in changed:
            widget.is_changed = False
        return [{"comm_id": name, "data": _update(widget.outputs)} for name, widget in changed]

    def _capturing(self, parent: Any) -> _Output | None:
        return next((widget for widget in reversed(self._stack) if widget.parent == parent), None)

    def _capture(self, widget: _Output, parent: str) -> None:
        self._stack = [other for other in self._stack if other is not widget] + ([widget] if parent else [])
        widget.parent = parent


def _update(outputs: list[Any]) -> dict[str, Any]:
    return {"method": "update", "state": {"outputs": outputs}, "buffer_paths": []}


def _part(value: Any, name: str, kind: type) -> Any:
    """Return an entry of a dict, or None if it is missing or of another type."""
    entry = value.get(name) if isinstance(value, dict) else None
    return entry if isinstance(entry, kind) else None
