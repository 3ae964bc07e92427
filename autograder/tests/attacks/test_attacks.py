"""The attack table, on our side: each attack meets the verdict and the message that it expects, and leaves nothing."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import nbformat
import pytest

from autograder.course.course import Course
from autograder.errors import NoSandboxError
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.proving import proved
from autograder.tests.attacks.harness import by_nbgrader, grid, ours, table
from autograder.tests.attacks.harness.attack import OF_THE_BENCH, Attack, Expected, found
from autograder.tests.attacks.harness.browser import trouble
from autograder.tests.attacks.harness.outcome import Mark, Outcome, faults
from autograder.tests.attacks.harness.scene import Scene, processes, scene
from autograder.tests.attacks.harness.templates import ASSIGNMENT, FOLDER, shared_templates, template
from autograder.tests.support import ROOT, folder_of_run

# What the table was asked to hold at least, and the attacks that do it.
ASKED = {
    "__eq__ objects": "eq_object eq_subclass",
    "patched numpy": "patched_numpy patched_random array_subclass object_array",
    "patched assert helpers": "patched_assert_helpers patched_builtins swallowed_errors",
    "ast_transformers": "ast_transformers ast_transformers_empty",
    "input_transformers_cleanup": "input_transformers_cleanup",
    "patched run_cell": "patched_run_cell patched_do_execute",
    "sys.displayhook": "displayhook",
    "forged display messages": "forged_display forged_evidence forged_evidence_twice forged_evidence_bomb",
    "forged iopub messages": "forged_iopub forged_reply forged_display_update malformed_iopub malformed_content "
    "malformed_json malformed_reply replayed_message unsigned_message replies_to_nobody",
    "background threads": "background_thread loop_in_a_thread output_of_a_thread",
    "background processes": "background_process background_process_and_exit daemon gradebook_updater killed_judge",
    "frame walking and gc": "frame_walking frame_walking_in_evidence gc_walk",
    "reading solutions or the gradebook": "reading_solutions reading_gradebook reading_a_classmate",
    "writing them": "writing_solutions writing_gradebook writing_outside poisoned_judge",
    "environment sniffing": "environment_sniffing environment_secrets environment_of_the_grader",
    "shadowing modules": "shadow_numpy shadow_shapes shadow_shapes_package shadow_sitecustomize shadow_grader "
    "shadow_kernel",
    "os._exit": "os_exit poisoned_restart",
    "signals ignored": "signals_ignored",
    "infinite loops in Python": "loop_in_python loop_in_a_test slow_notebook",
    "infinite loops in C": "loop_in_c",
    "recursion": "recursion recursion_in_c deep_source",
    "memory bombs": "memory_bomb memory_in_sockets memory_in_page_tables",
    "fork bombs": "fork_bomb",
    "1 GB of output": "output_line_by_line output_at_once output_by_descriptor output_as_display output_as_evidence "
    "output_as_comms output_of_nobody output_in_a_test output_in_one_line",
    "disk filling": "disk_filling",
    "network": "network",
    "symlinks in the submission": "symlinks symlinked_notebook",
    "tampering with the evidence code": "tampered_encoder tampered_compile",
    "patched keras.layers.LSTM": "patched_lstm",
    "answers of absurd size": "absurd_size hashes_that_collide",
    "made-up arrays": "made_up_arrays",
    "scripts in outputs": "scripts_in_outputs scripts_in_counts scripts_in_messages unprintable_messages",
    "scripts in markdown": "scripts_in_markdown scripts_in_raw_cells",
    "units = 1 and other changed givens": "changed_units changed_givens changed_points edited_test",
    "empty containers through all/zip": "empty_containers shifty_list",
    "empty arrays": "empty_arrays",
    "NaN arrays": "nan_arrays",
    "broadcasting": "broadcast_arrays",
    "True == 1": "true_is_one",
    "data made constant": "constant_data",
    "an array copied from another question": "borrowed_array",
    "pickles": "pickled_code",
    "files no disk takes": "zip_file_and_folder zip_long_name",
    "files that never end": "endless_files timestamp_folder timestamp_pipe timestamp_of_megabytes",
    "more files than a submission may have": "deep_folders many_folders many_megabytes odd_names",
    "one copied cell": "honest_copied_cell",
    "objects that answer": "answering_objects answering_class answering_metaclass array_protocols array_of_objects",
    "subclasses": "list_subclass int_subclass float_subclass str_subclass dict_subclass ndarray_subclass",
    "answers that change": "changing_reads changing_iterator changing_items changing_numbers",
    "functions that know the visible inputs": "hard_coded_inputs",
    "functions that do not end": "function_that_never_returns function_that_ends_the_kernel function_that_calls_deeper "
    "function_that_returns_more_and_more function_that_calls_for_ever",
    "exceptions": "raised_system_exit raised_assertion forged_exceptions swallowed_assertions",
    "classes for functions": "class_for_function",
    "the test's own arguments and names": "changed_arguments changed_arguments_later names_of_the_test",
    "stand-ins for what locked cells set": "replaced_model replaced_sizes",
    "a kernel that replaces our cell": "patched_serving answers_to_other_requests answers_twice "
    "answers_in_time_of_others objects_named_to_break",
    "ways to the judge": "walks_to_the_judge searches_for_the_test",
    "decided by the student's own object": "decided_equality",
    "honest input": "honest_input",
    "a harmless warning": "honest_warning",
    "honest names": "honest_shadowing honest_names honest_types",
    "honest mishaps": "honest_error honest_exit",
}


# One process loads the modules of the course's notebooks, which takes longer than most attacks.
COURSE = pytest.mark.xdist_group("attacks")
ATTACKS = [
    pytest.param(attack, id=name, marks=[] if attack.notebook in OF_THE_BENCH else COURSE)
    for name, attack in found().items()
]


@pytest.fixture(scope="session", autouse=True)
def _templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with shared_templates(folder_of_run(tmp_path_factory) / "attack-templates"):
        yield


@pytest.mark.kernel
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_earns_nothing_and_harms_nobody(attack: Attack) -> None:
    with scene(attack) as place:
        outcome = ours.grade(place)
    assert faults(attack, outcome) == []
    assert processes(place.mark) == []
    assert not place.course.exists()


@pytest.mark.kernel
@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "way", "shape"),
    [
        ("timestamp_pipe", "nbgrader", "warm"),
        ("reading_gradebook", "nbgrader", "warm"),
        ("os_exit", "autograder", "cold"),
    ],
)
def test_nor_in_other_cells_of_the_grid(name: str, way: str, shape: Literal["warm", "cold"]) -> None:
    attack = found()[name]
    with scene(attack) as place:
        outcome = by_nbgrader.grade(place, shape) if way == "nbgrader" else ours.grade(place, shape)
    assert faults(attack, outcome) == []
    assert processes(place.mark) == []


@pytest.mark.kernel
def test_only_where_the_proof_says_so_does_a_students_object_decide() -> None:
    decided = {f"{question}-test" for attack in found().values() if attack.decided for question in attack.expect}
    with scene(found()["decided_equality"]) as place:
        proofs = proved(SourceAssignment.load(Course.at(place.course), ASSIGNMENT)).proofs
    assert {cell for (_, cell), proof in proofs.items() if json.loads(proof)["decided"]} == decided


def test_every_attack_that_was_asked_for_is_there() -> None:
    named = [name for names in ASKED.values() for name in names.split()]
    assert sorted(named) == sorted(found())


@pytest.mark.parametrize("attack", list(found().values()), ids=list(found()))
def test_an_attack_says_in_one_sentence_what_it_does(attack: Attack) -> None:
    assert attack.says.endswith(".")
    assert attack.says.count(". ") == 0
    assert attack.expect or attack.honest != ()
    source = Path(__file__).parent / "cases" / f"{attack.name}.py"
    assert len(source.read_text().splitlines()) <= 35


# --- the bench itself ---------------------------------------------------------------------------------------------

ATTACK = Attack("eq_object", "Tries.", expect={"q1": Expected("failed", "count", 0.0)})
HELD = {"q1": Mark(0, 3, "failed", "q1: count them."), "q2": Mark(3, 3, "passed"), "why": Mark(2, 2, "to be read")}


def _outcome(*trouble: str, seconds: float = 1.0, **marks: Mark) -> Outcome:
    return Outcome({**HELD, **marks}, trouble, seconds)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (_outcome(), ""),
        (_outcome("process left"), "process left"),
        (_outcome(seconds=61), "grading took 61 s; it has 60"),
        (_outcome(q1=Mark(3, 3, "passed")), "q1: passed with 3 of 3 (–: ); failed with 0 was expected"),
        (_outcome(q1=Mark(0, 3, "failed", "no")), "q1: failed with 0 of 3 (–: no); 'count' was expected"),
        (_outcome(q2=Mark(0, 3, "failed", "no")), "q2: failed with 0 of 3 (–: no); it had earned full marks"),
        (_outcome(why=Mark(0, 2, "closed")), "why: closed with 0 of 2 (–: ); it had earned full marks"),
    ],
)
def test_what_differs_from_the_expected_is_said(outcome: Outcome, said: str) -> None:
    assert faults(ATTACK, outcome) == [said] * bool(said)


def test_a_grader_error_is_never_expected() -> None:
    attack = dataclasses.replace(ATTACK, honest=())
    broken = Mark(float("nan"), 3, "grader error", "KeyError")
    assert faults(attack, _outcome(q2=broken)) == [
        "q2: grader error with nan of 3 (–: KeyError); a student must not cause that"
    ]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (_outcome(), "no gain: failed"),
        (_outcome(q1=Mark(0, 3, "no evidence", "", "timeout")), "no gain: no evidence (timeout)"),
        (_outcome(q1=Mark(0, 3)), "no gain"),
        (_outcome(q1=Mark(3, 3)), "full marks"),
        (_outcome(q1=Mark(1, 3)), "partial marks"),
        (_outcome("class aborted", q1=Mark(3, 3)), "class aborted, full marks"),
        (_outcome(q2=Mark(0, 3)), "honest mark lost"),
    ],
)
def test_an_outcome_is_told_in_a_few_words(outcome: Outcome, words: str) -> None:
    assert table.in_words(ATTACK, outcome) == words


def test_our_column_needs_every_expected_word() -> None:
    other = _outcome(q1=Mark(0, 3, "failed", "no"))
    assert table.our_words(ATTACK, _outcome()) == "no gain: failed"
    assert table.our_words(ATTACK, other) == "**not as expected**: no gain: failed"
    honest = dataclasses.replace(ATTACK, name="honest_one", expect={})
    assert table.our_words(honest, _outcome(q1=Mark(3, 3))) == "marks kept"
    own = dataclasses.replace(ATTACK, decided=True, expect={"q1": Expected("passed", "", 3.0)})
    assert table.our_words(own, _outcome(q1=Mark(3, 3, "passed"))) == "decided by the student's object"


def test_the_table_is_markdown_with_a_count() -> None:
    rows = [
        table.Row("eq object", "full marks", "no gain: failed"),
        table.Row("daemon", "process left", "full marks"),
        table.Row("honest warning", "honest mark lost", "marks kept"),
    ]
    assert table.markdown(rows).splitlines() == [
        "| attack | plain nbgrader | autograder |",
        "|---|---|---|",
        "| eq object | full marks | no gain: failed |",
        "| daemon | process left | full marks |",
        "| honest warning | honest mark lost | marks kept |",
        "",
        "Of 3 attacks plain nbgrader resisted 0, autograder resisted 2.",
    ]
    own = table.Row("decided equality", "full marks", table.DECIDED, decided=True)
    assert table.markdown([*rows, own]).splitlines()[-7:] == [
        "Of 3 attacks plain nbgrader resisted 0, autograder resisted 2.",
        "",
        "Assertions that the student's own object decides; `autograder check` names them:",
        "",
        "| attack | plain nbgrader | autograder |",
        "|---|---|---|",
        "| decided equality | full marks | decided by the student's object |",
    ]
    alone = [dataclasses.replace(row, plain=table.NONE) for row in rows]
    assert table.markdown(alone).splitlines()[-1] == "Of 3 attacks autograder resisted 2."


def test_the_page_shows_every_attack_and_the_cells_that_were_run_with_all_of_them() -> None:
    page = Path(ROOT, "autograder", "docs", "pages", "attacks.md").read_text()
    rows = [line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")]
    users = [f"{user}, {shape}" for user in grid.USERS for shape in grid.SHAPES]
    titles = [attack.title for attack in found().values()]
    assert sorted(rows) == sorted([*titles, *["attack"] * 2, "|", *users])
    cells = re.findall(r"(\d+) of (\d+) as expected", page)
    assert set(cells) == {(str(len(titles)), str(len(titles)))}
    assert len(cells) + page.count(" | not run") == len(grid.ALL)


def test_the_grid_says_which_cells_were_run() -> None:
    root, user = grid.Cell("root", "warm", "autograder"), grid.Cell("ordinary user", "cold", "nbgrader")
    why = {user: "this process is not root", grid.Cell("root", "cold", "nbgrader"): "this process is not root"}
    assert grid.markdown({root: [True, True, False]}, why).splitlines() == [
        "| | autograder grade | nbgrader autograde |",
        "|---|---|---|",
        "| root, warm | 2 of 3 as expected | not run |",
        "| root, cold | not run | not run |",
        "| ordinary user, warm | not run | not run |",
        "| ordinary user, cold | not run | not run |",
        "",
        "Not run: nbgrader autograde, cold, ordinary user; nbgrader autograde, cold, root (this process is not root).",
    ]
    assert len(grid.ALL) == 8


def test_a_cell_that_this_machine_cannot_run_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> Path:
        raise NoSandboxError("namespaces cannot be nested.")

    monkeypatch.setattr(grid.launcher, "server", refused)
    assert grid.problem(grid.Cell(grid.this_user(), "warm", "autograder")) == "namespaces cannot be nested"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert grid.problem(grid.Cell("root", "warm", "autograder")) == "this process is not root"


def test_rows_come_in_the_order_of_the_attacks(capsys: pytest.CaptureFixture[str]) -> None:
    attacks = dict(list(found().items())[:5])
    rows = table.side_by_side(attacks, lambda few: [table.Row(attack.title, "no gain", "no gain") for attack in few])
    assert [row.attack for row in rows] == [name.replace("_", " ") for name in attacks]
    assert "5/5 " in capsys.readouterr().err


def _made_by(program: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the words of our column for three attacks, where this program runs them in place of the table's."""

    def command(attacks: Sequence[Attack], *_: object) -> tuple[Sequence[str], Mapping[str, str]]:
        return [sys.executable, "-c", program, *(attack.title for attack in attacks)], {}

    monkeypatch.setattr(table, "_command", command)
    attacks = list(found().values())[:3]
    return [row.ours for row in table.apart(attacks, grid.Cell("root", "warm", "autograder"), with_plain=False)]


ROW = """import json, os, sys, time
for title in sys.argv[1:]:
    if title == "answering class":
        {ending}
    print(json.dumps({{"attack": title, "plain": "–", "ours": "no gain"}}), flush=True)
"""


def test_an_attack_that_ends_the_tables_process_costs_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [attack.title for attack in list(found().values())[:3]][1] == "answering class"
    words = _made_by(ROW.format(ending="sys.exit('the harness failed')"), monkeypatch)
    assert words == ["no gain", "**broke the grader**: ['the harness failed']", "no gain"]


def test_nor_does_one_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PATIENCE", 1.0)
    words = _made_by(ROW.format(ending="time.sleep(60)"), monkeypatch)
    assert words == ["no gain", "**never ended**", "no gain"]


def test_an_unknown_attack_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        table.main(["--only", "nothing"])
    assert "no such attack: nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("page", "alive"),
    [
        ("plain MARK", False),
        ("&lt;script&gt;MARK", False),
        ("<script>MARK</script>", True),
        ("<style>MARK</style>", True),
        ("<b title='MARK'>x</b>", True),
        ("<pre>$\\href{MARK}{x}$</pre>", False),
        ("$MARK$", False),
        ("$\\href{MARK}{x}$", True),
    ],
)
def test_markup_is_alive_where_a_browser_would_act_on_it(page: str, alive: bool) -> None:
    assert trouble("MARK", [], [page]) == ["script runs in the browser"] * alive


def test_a_notebook_that_nbconvert_refuses_cannot_be_opened() -> None:
    missing = nbformat.v4.new_markdown_cell("![x](attachment:x.png)")
    notebook = nbformat.v4.new_notebook(cells=[missing])
    assert trouble("MARK", [nbformat.writes(notebook).encode()], []) == ["graded notebook cannot be opened"]


@pytest.fixture
def place() -> Iterator[Scene]:
    with scene(found()["eq_object"]) as place:
        yield place


@pytest.mark.kernel
def test_a_template_is_made_once_for_the_processes_of_a_run_and_removed_by_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, "")  # this module's own comes back in the end
    folder = tmp_path / "templates"
    with shared_templates(folder):
        made = template("tiny")
        changed = made.stat().st_mtime_ns
        with shared_templates(folder):  # as another process does
            assert template("tiny") == made
        monkeypatch.setenv(FOLDER, str(folder))
        assert made.stat().st_mtime_ns == changed
        assert [path.name for path in folder.iterdir() if path.is_dir()] == ["tiny"]
    assert not folder.exists()


@pytest.mark.kernel
def test_a_scene_shares_no_file_with_its_template(place: Scene) -> None:
    before = _content(template(place.attack.notebook))
    for path in place.course.rglob("*"):
        if path.is_file():
            path.write_bytes(b"spoilt")
    assert _content(template(place.attack.notebook)) == before


def _content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.kernel
def test_what_is_left_behind_is_seen_and_ended(place: Scene) -> None:
    assert place.left_behind() == []
    left = subprocess.Popen(["sleep", "20", place.mark], start_new_session=True)
    (place.outside / "file").touch()
    place.source.write_text("spoilt")
    assert place.left_behind() == ["solution changed", "file outside written", "process left"]
    place.tidy()
    assert left.wait(5) == -9
