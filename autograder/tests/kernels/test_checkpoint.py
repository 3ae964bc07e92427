"""Checkpoints: kernels go on from cells that have run already, and nothing that they do reaches one another."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

from autograder.course.limits import Limits
from autograder.errors import KernelEnded, KernelError, NoSandboxError
from autograder.execution.direct_client import direct_kernel
from autograder.execution.grader_cells import UNCHANGED
from autograder.kernels import checkpoint, launcher
from autograder.kernels.checkpoint import Asked, Checkpoints, Step
from autograder.kernels.launcher import Loaded
from autograder.kernels.limits import MIB, Policy, Unfit
from autograder.kernels.manager import SandboxKernelManager
from autograder.tests.support import kernels

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("kernels")]
LOADED = Loaded("numpy numpy.random")
SEED = "import random, numpy as np\nrandom.seed(1); np.random.seed(2)"


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    assert kernels() == []


def _steps(*cells: str) -> list[Step]:
    """Each cell, and a place for a checkpoint after it."""
    numbered = enumerate(cells, 1)
    return [
        step for number, cell in numbered for step in (_cell(cell, number), {"kind": "stop", "numbers": [number + 1]})
    ]


def _cell(source: str, number: int) -> Step:
    return {"kind": "cell", "source": source, "count": number}


@contextlib.contextmanager
def _started(*steps: Step, costly: float = 0.0, seconds: float = 30.0, **policy: int) -> Iterator[Checkpoints]:
    """Checkpoints that are worth it wherever they can be."""
    asked = Asked(steps, {"data.csv": b"1\n"}, {}, Policy(**policy), seconds, costly)
    made = checkpoint.start(launcher.server(LOADED, "warm"), asked)
    try:
        yield made
    finally:
        made.close()


def _printed(made: Checkpoints, *cells: str, place: int = -1) -> list[str]:
    """What cells print in a kernel that goes on from a checkpoint, or the last line of their error."""
    shown = asyncio.run(_shown(made, *cells, place=place))
    return ["".join(out.get("text", out.get("evalue", "")) for out in cell.outputs).strip() for cell in shown]


async def _shown(made: Checkpoints, *cells: str, place: int = -1) -> list[NotebookNode]:
    """The cells with their outputs."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    async with direct_kernel(notebook, Limits(), made.servers[sorted(made.servers)[place]]) as client:
        for index, cell in enumerate(notebook.cells):
            await client.run_cell(cell, index, 30.0)
    return list(notebook.cells)


def test_kernels_go_on_with_names_files_and_numbers() -> None:
    cells = (
        "x = [1]\ndef f():\n    return y\nclass C:\n    pass",
        "import os\nopen('made', 'w').write('1')\nopen('data.csv', 'a').write('2')\nos.environ['HERE'] = 'yes'\n"
        "os.makedirs('/tmp/t')\nos.chdir('/tmp/t')",
    )
    with _started(*_steps(*cells)) as made:
        for _ in range(2):
            printed = _printed(
                made,
                "y = 5; print(f(), f.__globals__ is globals(), __import__('__main__').x is x, C.__module__)",
                "x.append(2); print(x, os.environ['HERE'], os.getcwd())",
                "print(open('/scratch/work/made').read(), open('/scratch/work/data.csv').read().split())",
                "pass",
                "open('/scratch/work/made', 'w').write('changed'); open('/scratch/work/new', 'w').close()",
            )
            assert printed[:3] == ["5 True True __main__", "[1, 2] yes /tmp/t", "1 ['1', '2']"]
            assert printed[3] == ""
        assert _printed(made, "print(sorted(__import__('os').listdir('/scratch/work')))", place=0) == ["['data.csv']"]


def test_seeded_generators_go_on_exactly_and_others_are_fresh() -> None:
    draws = "print(random.random(), np.random.rand())"
    whole = _whole(SEED + "\nx = np.random.rand(3)", draws)
    with _started(*_steps(SEED + "\nx = np.random.rand(3)", "y = 1")) as made:
        assert [_printed(made, draws, place=place) for place in (0, 1, 1)] == [whole[1:]] * 3
    with _started(*_steps("import random, numpy as np", "y = 1")) as made:
        drawn = [_printed(made, draws, place=place)[0].split() for place in (0, 0, 1, 1)]
    assert len({number for pair in drawn for number in pair}) == 8


def _whole(*cells: str) -> list[str]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    config = Config(SandboxProvisioner={"preload": LOADED.preload})
    NotebookClient(notebook, kernel_manager_class=SandboxKernelManager, config=config).execute()
    return ["".join(out.get("text", "") for out in cell.outputs).strip() for cell in notebook.cells]


def test_what_cells_send_is_kept_in_order() -> None:
    code = (
        "import sys\nfrom IPython.display import display, clear_output\nprint('a')\nprint('b', file=sys.stderr)\n"
        "print('c')\ndisplay({'text/plain': 'd'}, raw=True)\n'e'"
    )
    with _started(*_steps("1", code)) as made:
        first, second = (made.messages[place] for place in (0, 2))
    kinds = [(one["msg_type"], one["content"].get("text") or one["content"]["data"]["text/plain"]) for one in second]
    assert [one["content"]["execution_count"] for one in first] == [1]
    assert kinds == [
        ("stream", "a\n"),
        ("stream", "b\n"),
        ("stream", "c\n"),
        ("display_data", "d"),
        ("execute_result", "'e'"),
    ]


def test_streams_that_a_cell_has_kept_print_in_the_kernel() -> None:
    with _started(*_steps("import sys\nkept = sys.stdout\nprint('early')")) as made:
        assert _printed(made, "print('late', file=kept)", "kept.flush(); kept.write(3)") == [
            "late",
            "write() argument must be str, not int",
        ]


def test_callbacks_go_on() -> None:
    code = "n = []\nget_ipython().events.register('post_run_cell', lambda result: n.append(1))"
    with _started(*_steps(code, "1")) as made:
        assert _printed(made, "print(len(n))") == ["2"]


@pytest.mark.parametrize(
    ("cell", "why", "detail"),
    [
        ("1 / 0", Unfit.FAILED, "ZeroDivisionError"),
        ("x = (", Unfit.FAILED, "SyntaxError"),
        ("while True:\n    print('flood' * 1000)", Unfit.FAILED, "OutputLimitError"),
        ("while True:\n    pass", Unfit.TIME, ""),
        ("import os\nos._exit(3)", Unfit.ENDED, ""),
        ("x = b'x' * (900 << 20)", Unfit.ENDED, "memory"),
        ("import os\nos.write(1, b'x')", Unfit.OUTSIDE, ""),
        ("f = open('data.csv')", Unfit.DESCRIPTOR, "/scratch/work/data.csv"),
        ("import mmap\nm = mmap.mmap(-1, 4096)", Unfit.MAPPING, "/dev/zero"),
        ("import subprocess\np = subprocess.Popen(['sleep', '100'])", Unfit.PROCESS, ""),
        ("import threading\nthreading.Thread(target=threading.Event().wait, name='t').start()", Unfit.THREAD, "t"),
        ("import random\nx = random.random()", Unfit.DIFFERS, "`x`"),
        ("import random\nrandom.random()\nNone", Unfit.DIFFERS, "random"),
        ("import numpy as np\nnp.random.rand()\nNone", Unfit.DIFFERS, "numpy.random"),
        ("import numpy as np\ng = {'a': [np.random.default_rng()]}", Unfit.DIFFERS, "`g`"),
        ("import time\nprint(time.perf_counter())", Unfit.DIFFERS, "messages"),
        ("import datetime\nt = datetime.datetime.now()", Unfit.DIFFERS, "`t`"),
        ("import random\nclass M:\n    def get_weights(self):\n        return [self.w]\nm = M()\n"
         "m.w = random.Random().random()", Unfit.DIFFERS, "`m`"),
    ],
)  # fmt: skip
def test_a_cell_that_is_not_fit_ends_the_steps(cell: str, why: Unfit, detail: str) -> None:
    with _started(*_steps("ok = 1", cell, "later = 1"), seconds=3.0, memory=700 * MIB) as made:
        assert (made.end, made.why) == (2, why)
        assert detail in made.detail
        assert list(made.servers) == [1]
        assert _printed(made, "print(ok, 'later' in globals(), 'x' in globals())") == ["1 False False"]


def test_values_that_later_cells_read_must_stay() -> None:
    watch: Step = {"kind": "watch", "names": ["x", "later"]}
    with _started(_cell("x = 1", 1), watch, *_steps("y = 1", "x = 2", "x = 1", "later = 1")) as made:
        assert (made.end, sorted(made.servers)) == (10, [3, 7])


def test_since_when_each_name_has_had_its_value() -> None:
    cells = (
        "a = b = [1]; c = {2, (3,)}; d = object(); e = [d]; f = len",
        "import numpy as np; x = np.arange(3); b = 2",
        "a.append(0); x[0] = 9; b = [1]",
        "a.pop(); y = x",
    )
    with _started(*_steps(*cells)) as made:
        assert made.since[1] == {"a": 0, "b": 0, "c": 0}
        assert made.since[3] == {"a": 0, "b": 2, "c": 0, "x": 2}
        assert made.since[7] == {"a": 6, "b": 4, "c": 0, "x": 4, "y": 6}


def test_modules_of_the_folder_must_stay() -> None:
    module = "open('mine.py', 'w').write('n = [1]')\nimport mine"
    with _started(_cell(module, 1), {"kind": "watch", "names": []}, *_steps("y = 1", "mine.n[0] = 2")) as made:
        assert (made.end, sorted(made.servers)) == (6, [3])


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("z = 1", ""),
        ("x[0] = 3", "`x`"),
        ("np.random.rand()", "numpy.random"),
        ("mine.n.append(1)", "mine"),
        ("del f", "`f`"),
        ("random.random()", ""),  # not seeded
    ],
)
def test_a_kernel_knows_whether_all_is_as_it_was_at_the_checkpoint(cell: str, error: str) -> None:
    module = "open('mine.py', 'w').write('n = [1]')\nimport mine, random, numpy as np\nnp.random.seed(1)"
    with _started(*_steps(f"{module}\nx = np.zeros(2)\ndef f():\n    pass")) as made:
        assert _printed(made, cell, UNCHANGED)[1] == error


def test_definitions_are_there_without_a_number() -> None:
    define: Step = {"kind": "define", "sources": ["import math", "1 / 0", "def f():\n    return math.pi"]}
    with _started(_cell("x = 1", 1), define, {"kind": "stop", "numbers": [2]}) as made:
        assert _printed(made, "print(round(f(), 2))") == ["3.14"]


def test_checkpoints_stay_only_where_they_are_worth_it() -> None:
    work = "import time\nt = time.process_time()\nwhile time.process_time() < t + 0.2:\n    pass\ndel t"
    with _started(*_steps("a = 1", work, "b = 1", *[work] * 6, "c = 1"), costly=0.1) as made:
        assert sorted(made.servers) == [3, 7, 9, 11, 13, 19]
    with _started(*_steps("a = 1", "b = 1"), costly=0.1) as made:
        assert (made.end, made.servers) == (4, {})


def test_some_places_count_only_as_the_last() -> None:
    steps = [{**step, "only_last": True} if step["kind"] == "stop" else step for step in _steps("a = 1", "b = 1")]
    with _started(*steps) as made:
        assert sorted(made.servers) == [3]
    with _started(*steps, *_steps("1 / 0")) as made:
        assert (sorted(made.servers), made.why) == ([3], Unfit.FAILED)
    with _started(*steps, *_steps("c = 1")) as made:
        assert sorted(made.servers) == [5]


HOSTILE = (
    "import random, numpy, builtins, json, os, signal, sys",
    "x.append('mine'); C.value = 2; f.__defaults__ = (9,)",
    "numpy.sum = builtins.len = json.dumps = lambda *_: 'patched'; random.seed(0)",
    "sys.modules['math'] = None; os.environ['X'] = 'changed'",
    "for place in ('/scratch/work/made', '/tmp/t'):\n    open(place, 'w').write('changed')",
    "for number in range(1, 60):\n    try:\n        os.kill(number, 9) if number != os.getpid() else None\n"
    "    except OSError:\n        pass",
    "os.kill(os.getppid(), signal.SIGKILL)",
)


def test_what_one_kernel_does_reaches_no_other() -> None:
    cells = "x = []\nclass C:\n    value = 1\ndef f(a=1):\n    return a\nopen('made', 'w').write('ours')", SEED
    look = (
        "import math, json, os, builtins\n"
        "print(x, C.value, f(), open('made').read(), os.path.exists('/tmp/t'), os.environ.get('X'), math.pi > 3,"
        " len([1]), json.dumps(1), np.sum([1, 2]), random.random())"
    )
    with _started(*_steps(*cells)) as made:
        before = _printed(made, look)
        for hostile in (
            HOSTILE,
            ("import os, signal\nfor _ in range(4):\n    os.fork()\nos.kill(-1, signal.SIGKILL)",),
        ):
            with contextlib.suppress(KernelEnded):
                _printed(made, *hostile)
        assert _printed(made, look) == before
        assert before[0].startswith("[] 1 1 ours False None True 1 1 3 0.1343")


def test_a_kernel_sees_no_checkpoint_and_cannot_reach_one() -> None:
    attempts = (
        "import os; print(os.getpid(), len([n for n in os.listdir('/proc') if n.isdigit()]))",
        "import pathlib; print(sorted({p.name[0] for p in pathlib.Path('/run/kernels').iterdir()}))",
        "print(list(pathlib.Path('/').glob('run/kernels/*/steps.json')))",
        "import ctypes; print(ctypes.CDLL(None).unshare(0x10000000), ctypes.CDLL(None).ptrace(16, 1, 0, 0))",
    )
    with _started(*_steps("ok = 1")) as made:
        assert _printed(made, *attempts) == ["1 1", "[]", "[]", "-1 -1"]


def test_all_ends_when_the_client_lets_go() -> None:
    with _started(*_steps("a = 1", "b = 1")) as made:
        assert _printed(made, "print(a)") == ["1"]
        assert len([one for one in psutil.Process().children(recursive=True) if _is_checkpoint(one)]) >= 2
        made.close()
        assert kernels() == []
        assert not made.folder.exists()


def _is_checkpoint(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "zygote" in " ".join(process.cmdline()) and bool(process.parents()[3:])
    return False


def test_a_lost_checkpoint_starts_no_kernel() -> None:
    with _started(*_steps("a = 1")) as made:
        (server,) = made.servers.values()
        servers = [one for one in psutil.Process().children(recursive=True) if _is_checkpoint(one)]
        for one in servers:
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended with the one before
                one.kill()
        psutil.wait_procs(servers, timeout=10)
        with pytest.raises(KernelError, match=r"no kernel could be started at a checkpoint: .* has died"):
            _printed(made, "1")
        assert server.exists()


def test_a_server_that_makes_none_says_so() -> None:
    with pytest.raises(NoSandboxError, match="no checkpoints could be made"):
        checkpoint.start(launcher.server(LOADED, "cold"), Asked(_steps("1"), {}, {}, Policy(), 10.0))
    assert not list(Path(launcher.server(LOADED, "cold")).parent.glob("c*/steps.json"))
