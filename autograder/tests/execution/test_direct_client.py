"""A kernel with one socket shows what Jupyter's kernel shows, and what it cannot show ends it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.course.limits import Limits
from autograder.errors import Death, KernelEnded, KernelError
from autograder.evidence.kernel_source import program_source
from autograder.execution.client import kernel
from autograder.execution.conversation import ConversationEndedError
from autograder.execution.direct_client import DirectClient, DirectConversation, direct_kernel
from autograder.execution.sandbox import loaded, policy
from autograder.execution.widgets import Widgets
from autograder.kernels import checkpoint, launcher, messages
from autograder.kernels.checkpoint import Asked
from autograder.tests.support import kernels

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("kernels")]
LIMITS = replace(Limits(), preload=("numpy", "numpy.random", "ipywidgets"), cell_seconds=20.0)
FIRST = "import sys, threading, asyncio, os\nimport ipywidgets\nfrom IPython.display import *\nx = 1"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """The socket of a checkpoint after the first cell."""
    steps: Sequence[dict[str, Any]] = [
        {"kind": "cell", "source": FIRST, "count": 1},
        {"kind": "stop", "numbers": [2]},
    ]
    asked = Asked(steps, {}, {}, policy(LIMITS), 30.0, 0.0)
    made = checkpoint.start(launcher.server(loaded(LIMITS), "warm"), asked)
    try:
        yield made.servers[1]
    finally:
        made.close()
        assert kernels() == []


def _notebook(*cells: str) -> NotebookNode:
    made: NotebookNode = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    return made


async def _ran(notebook: NotebookNode, place: Path, limits: Limits = LIMITS) -> NotebookNode:
    """The notebook after it went on from the checkpoint."""
    async with direct_kernel(notebook, limits, place) as client:
        for index, cell in enumerate(notebook.cells):
            await client.run_cell(cell, index, limits.cell_seconds)
    return notebook


async def _ran_by_jupyter(notebook: NotebookNode) -> NotebookNode:
    async with kernel(notebook, {}, LIMITS) as client:
        for index, cell in enumerate(notebook.cells):
            await client.run_cell(cell, index, LIMITS.cell_seconds)
    return notebook


SHOWN = [
    "x + 1",
    "print('a', end=''); print('b'); print('c', file=sys.stderr)",
    "1 / 0",
    "def f():\n    raise ValueError('é\\n')\nf()",
    "x = (",
    "display(HTML('<b>bold</b>'), {'text/plain': '3'}, raw=False)",
    "handle = display('first', display_id=True)",
    "handle.update('second')",
    "print('gone'); clear_output(); print('stays')",
    "await asyncio.sleep(0.01); print(asyncio.get_running_loop().is_running())",
    "task = asyncio.create_task(asyncio.sleep(0, 5))",
    "await task",
    "input('name: ')",
    "raise SystemExit(3)",
    "exit()",
    "print(x)",
    "%time 1 + 1\nNone",
    "!echo from a shell",
    "ipywidgets.Text('typed')",
    "out = ipywidgets.Output()\nwith out:\n    print('captured')",
    "len(out.outputs), out.outputs[0]['text']",
    "ipywidgets.interactive(lambda n: print('n is', n), n=2).update()",
    "float('nan')",
    "'IPKernelApp' in get_ipython().config, type(get_ipython()).__name__, type(sys.stdout).__name__",
    "from ipykernel.kernelapp import IPKernelApp\nIPKernelApp.instance().kernel is get_ipython().kernel",
    "sys.stdout.isatty(), sys.stdin is None or sys.stdin.isatty(), os.getpid(), sys.argv[0]",
    "os.kill(os.getpid(), 2)\nfor _ in range(10 ** 7):\n    pass",
    "os.listdir('.'), os.path.expanduser('~'), sys.path[:1]",
    "print('x' * 2_000_000)",
    "__name__, __builtins__ is not None, _, In[2]",
    "import warnings; warnings.warn('beware')",
    "sys.stdout.write('written\\n'), sys.stdout.flush()",
    "print('in order'); display('then'); print('last')",
    "go = threading.Event()\nthread = threading.Thread(target=lambda: (go.wait(), print('thread')))\nthread.start()",
    "go.set(); thread.join()",
]


def test_all_is_shown_as_by_jupyters_kernel(place: Path) -> None:
    direct = asyncio.run(_ran(_notebook(*SHOWN), place)).cells
    jupyter = asyncio.run(_ran_by_jupyter(_notebook(FIRST, *SHOWN))).cells[1:]
    for one, other in zip(direct, jupyter, strict=True):
        assert _plain(one) == _plain(other), one.source


def _plain(cell: NotebookNode) -> Any:
    """A cell's number and outputs, without what differs from run to run."""
    streams: dict[str, str] = {}
    others = []
    for output in json.loads(json.dumps(cell.outputs)):
        if output["output_type"] == "stream":
            streams[output["name"]] = streams.get(output["name"], "") + output["text"]
            continue
        output.pop("traceback", None)
        model = output.get("data", {}).get("application/vnd.jupyter.widget-view+json", {})
        if model:
            model["model_id"] = ""
        others.append(output)
    streams = {name: text for name, text in streams.items() if "Wall time" not in text}
    return cell.execution_count, streams, others


@pytest.mark.parametrize(
    "cells",
    [
        ["os.write(1, b'past Python')"],
        ["os.system('echo past Python')"],
        ["import subprocess; subprocess.run(['echo', 'x'], stdout=sys.stdout)"],
        ["if os.fork() == 0:\n    print('child'); sys.stdout.flush(); os._exit(0)\nos.wait()"],
        ["if os.fork() == 0:\n    print('child')\nelse:\n    os.wait()", "1"],
        ["%gui asyncio", "1"],
        ["asyncio.get_running_loop().call_soon(print, 'after the cell'); None", "1"],
        ["get_ipython().kernel.session.cell = ''\nprint(1)"],
        ["__import__('ctypes').CDLL(None).puts(b'from C'); __import__('ctypes').CDLL(None).fflush(None)"],
    ],
)
def test_what_it_cannot_show_ends_it(place: Path, cells: list[str]) -> None:
    with pytest.raises(KernelEnded) as ended:
        asyncio.run(_ran(_notebook(*cells), place))
    assert ended.value.how is Death.UNFINISHED
    assert kernels() != []  # only the checkpoint is left: the next kernel starts from it
    assert asyncio.run(_ran(_notebook("x"), place)).cells[0].outputs[0].data == {"text/plain": "1"}


def test_neither_a_start_nor_an_error_loads_a_module(place: Path) -> None:
    cells = asyncio.run(_ran(_notebook("loaded = {*sys.modules}", "1 / 0", "{*sys.modules} - loaded"), place)).cells
    assert cells[2].outputs[0].data == {"text/plain": "set()"}


CHANNEL = "channel = get_ipython().kernel.channel\n"


@pytest.mark.parametrize(
    ("cell", "how"),
    [
        ("while True:\n    pass", Death.CELL_TIME),
        ("os._exit(1)", Death.DAMAGED),
        ("get_ipython().kernel.channel.close()", Death.DAMAGED),
        (f"{CHANNEL}channel.sendall(bytes(8)); os._exit(0)", Death.DAMAGED),
        (f"{CHANNEL}channel.sendall(b'\\xff' * 8)", Death.DAMAGED),
        (f"{CHANNEL}channel.sendall(bytes(7) + b'\\x02[]')", Death.DAMAGED),
        (f"{CHANNEL}channel.sendall(bytes(7) + b'\\x02{{}}')", Death.DAMAGED),
        (f"{CHANNEL}channel.sendall(bytes(7) + b'\\x09')\nwhile True:\n    pass", Death.DAMAGED),
        ("get_ipython().kernel.ask('student')", Death.DAMAGED),
        ("get_ipython().kernel._send({'messages': [{}], 'unlike': False})", Death.DAMAGED),
        ("get_ipython().kernel._send({'messages': 5, 'unlike': False})", Death.DAMAGED),
        ("get_ipython().kernel._send('[' * 100)", Death.DAMAGED),
        ("for _ in range(3):\n    display({'text/plain': 'x' * 1_000_000}, raw=True)", Death.OUTPUT),
    ],
)
def test_a_kernel_that_does_not_answer_as_it_should_ends(place: Path, cell: str, how: Death) -> None:
    with pytest.raises(KernelEnded) as ended:
        asyncio.run(_ran(_notebook(cell), place, replace(LIMITS, cell_seconds=2.0)))
    assert ended.value.how is how


def test_a_kernel_without_a_checkpoint_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match=r"no kernel could be started at a checkpoint: .* has died"):
        asyncio.run(_ran(_notebook("1"), tmp_path / "none"))


async def _talked(place: Path, cell: str, talk: Callable[[DirectConversation], Any]) -> Any:
    """What a thread gets that talks with a running cell."""
    notebook = _notebook(cell)
    async with direct_kernel(notebook, LIMITS, place) as client:
        client.taking = True
        running = asyncio.ensure_future(client.run_cell(notebook.cells[0], 0, 20.0))
        conversation = DirectConversation(client, running)
        try:
            return await asyncio.to_thread(talk, conversation)
        finally:
            conversation.close()
            running.cancel()
            with contextlib.suppress(KernelEnded, asyncio.CancelledError):
                await running


ECHO = f"ask = {DirectClient.channel_source}\ntext = 'first'\nwhile text:\n    text = ask(text * 2)"


def test_a_cell_asks_and_is_answered(place: Path) -> None:
    def talk(conversation: DirectConversation) -> list[str]:
        replies = [conversation.next(), conversation.ask("é"), conversation.ask("x" * 3_000_000)[-3:]]
        conversation.end()
        return replies

    assert asyncio.run(_talked(place, ECHO, talk)) == ["firstfirst", "éé", "xxx"]


@pytest.mark.parametrize("cell", ["1", "os._exit(0)", "get_ipython().kernel._send({'ask': 5})"])
def test_a_cell_that_ends_ends_the_conversation(place: Path, cell: str) -> None:
    def talk(conversation: DirectConversation) -> str:
        with pytest.raises(ConversationEndedError):
            conversation.next()
        return "ended"

    assert asyncio.run(_talked(place, cell, talk)) == "ended"


def test_what_a_conversation_costs_is_measured(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.execution.conversation.WHOLE", 1_000)

    def talk(conversation: DirectConversation) -> int:
        conversation.next()
        conversation.ask("x" * 400)
        with pytest.raises(ConversationEndedError):
            conversation.ask("x" * 400)
        return conversation.size

    assert asyncio.run(_talked(place, ECHO, talk)) == 10 + 800 + 800


def test_why_a_fork_is_no_kernel_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The fork sends its traceback before it ends; the client logs what it got instead of an answer."""

    async def run() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            messages.send(theirs, json.dumps({"failed": "Traceback: OSError: no space left"}).encode())
            client = DirectClient(nb=_notebook("1"), allow_errors=True)
            client.channel, client.limits, client.widgets = ours, LIMITS, Widgets()
            with pytest.raises(KernelEnded):
                await client.run_cell(client.nb.cells[0], 0, 5.0)

    with caplog.at_level("DEBUG", "autograder"):
        asyncio.run(run())
    assert "OSError: no space left" in caplog.text


def test_our_program_is_there(place: Path) -> None:
    assert "def encode_all" in program_source()
    cell = (
        "__import__('sys').modules['autograder.kernels.program'].run(space := {'__name__': 'e'}); 'encode_all' in space"
    )
    assert asyncio.run(_ran(_notebook(cell), place)).cells[0].outputs[0].data == {"text/plain": "True"}
