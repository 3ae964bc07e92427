"""The bench: what it works out from figures, what it shows, and that it measures what it says."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograder.bench import __main__ as bench
from autograder.bench import figures, functions, large, limit, ours, plain, plot, scale
from autograder.bench.__main__ import BEGIN, END, QUICK, Plan, main
from autograder.bench.figures import COLD, GRADING, IMPORTS, JUDGE, KERNELS, MIXED, PLAIN, WARM, Report, Run
from autograder.bench.large import Large
from autograder.bench.machine import cores, describe
from autograder.bench.scene import (
    GRADEBOOK,
    SETTINGS,
    distinct,
    make_mixed,
    make_right,
    part_of,
    require_full_marks,
)
from autograder.bench.table import goals, markdown
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.proving import proved
from autograder.rnn.sample_class import ASSIGNMENT
from autograder.tests.harness.part_of_course import make_part
from autograder.tests.harness.without_tensorflow import make_without_tensorflow

MIB = 1 << 20
FAST = f"{PLAIN}, kernels killed"


def _run(what: str, each: float, jobs: int = 1, submissions: int = 40, cpu: float = 0.5) -> Run:
    """A class graded at `each` seconds a notebook, four notebooks a submission."""
    notebooks = 4 * submissions
    spent = {KERNELS: 0.8 * cpu * notebooks, JUDGE: 0.1 * cpu * notebooks, GRADING: 0.1 * cpu * notebooks}
    return Run(
        what, jobs, submissions, notebooks, each * notebooks, 8.0, spent, 200 * MIB, 0.01 * notebooks, 0.02 * notebooks
    )


@pytest.fixture
def report() -> Report:
    """Two rounds, of which the medians are means: plain 6 s, killed 5 s, cold 4 s, warm 0.8 s, 0.4 s and 0.2 s."""
    runs = [
        run
        for shift in (-0.1, 0.1)
        for run in (
            _run(PLAIN, 6.0 + shift, submissions=2, cpu=5.0),
            _run(FAST, 5.0 + shift, submissions=2, cpu=4.0),
            _run(COLD, 4.0 + shift, submissions=4, cpu=4.0),
            _run(MIXED, 0.3 + shift, jobs=4),
            _run(IMPORTS, 0.8 + shift),
            _run(WARM, 0.4 + shift),
            _run(WARM, 0.2 + shift, jobs=4),
        )
    ]
    large = _run(WARM, 0.25, jobs=4, submissions=400)
    sizes = {"submitted": 100 * 1024.0, "autograded": 120 * 1024.0, "in the gradebook": 8 * 1024.0}
    memory = ((50 * MIB, 90 * MIB), (60 * MIB, 110 * MIB))
    spent = (0.3, 0.5), (0.4, 0.6), (0.4, 0.4)
    return Report(
        ("a machine", "Python 3"), 2, (*runs, large), *spent, *memory, sizes, loading=(2.0, 4.0), distinct=0.75
    )


def test_figures_are_medians_of_rounds(report: Report) -> None:
    assert report.plain == pytest.approx(6.0)
    assert report.fastest_plain == FAST
    assert [run.jobs for run in report.best] == [4, 4]
    assert report.growth == pytest.approx(0.25 / 0.2)
    assert report.recording == pytest.approx(0.01)
    assert report.head == pytest.approx(0.02)
    assert report.ceiling == pytest.approx(30)
    assert report.share(KERNELS, report.best) == pytest.approx(0.4)
    assert [kind[0] for kind in report.kinds()] == [PLAIN, FAST, COLD, IMPORTS, WARM, WARM, MIXED, WARM]
    assert report.first == pytest.approx(8 - 3)


def test_goals_say_what_was_found_and_wanted(report: Report) -> None:
    assert [goal.line() for goal in goals(report)] == [
        "| notebooks per second, compared with plain nbgrader | 30 times | at least 40 times | **no** |",
        "| processor time per notebook, compared with its cells in one warm process | 1 times "
        "| at most 1.6 times | yes |",
        "| the same, if that process has our kernels' settings | 1.25 times | at most 1.6 times | yes |",
        "| memory of a running kernel that it does not share | 70 MiB | at most 100 MiB | yes |",
        "| memory of the grading process, largest class | 200 MiB | at most 400 MiB | yes |",
        "| time to record a notebook | 10 ms | at most 30 ms | yes |",
        "| time from the command to the first graded submission, beyond imports | 5 s | at most 5 s | yes |",
        "| time per notebook in a class of 400, compared with 40 | 1.25 times | at most 1.1 times | **no** |",
    ]


def test_a_row_for_each_way_and_the_machine(report: Report) -> None:
    lines = markdown(report).splitlines()
    assert lines[2:10] == [
        "| plain nbgrader | 2 | 6 | 10 | 1 | 5 |",
        "| plain nbgrader, kernels killed | 2 | 5 | 12 | 1.2 | 4 |",
        "| autograder, cold, 1 at a time | 4 | 4 | 15 | 1.5 | 4 |",
        "| autograder, warm, from imports, 1 at a time | 40 | 0.8 | 75 | 7.5 | 0.5 |",
        "| autograder, warm, from checkpoints, 1 at a time | 40 | 0.4 | 150 | 15 | 0.5 |",
        "| autograder, warm, from checkpoints, 4 at a time | 40 | 0.2 | 300 | 30 | 0.5 |",
        "| autograder, warm, a mixed class, 4 at a time | 40 | 0.3 | 200 | 20 | 0.5 |",
        "| autograder, warm, from checkpoints, 4 at a time | 400 | 0.25 | 240 | 24 | 0.5 |",
    ]
    assert lines[-1] == "Measured on: a machine; Python 3."
    assert (
        "Processor time per notebook at the fastest setting (4 at a time): kernels and their parent 0.400 s, judge "
        "0.050 s, grading process 0.050 s. Its cells alone need 0.500 s in one warm Python process, 0.400 s with our "
        "kernels' settings, and 0.400 s with these settings in a new fork each time. If 2 cores only ran cells in "
        "forks, they would be 30 times as fast as plain nbgrader. The rest is needed to start Jupyter's kernel in each "
        "fork, for its messages, for judging and for recording."
    ) in lines
    assert (
        "A warm kernel uses 70 MiB that it does not share, or 85 MiB with its share of shared memory. Plain nbgrader "
        "also needs 8.0 s to start, which the rows leave out. Its fastest setting: kernels killed."
    ) in lines
    assert (
        "The students of a mixed class give the sample class' right, wrong and open answers, and a third of them have "
        "extra cells. 75 % of their notebooks are equal to no earlier one. So one run for equal notebooks could "
        "save at most 25 % of the runs."
    ) in lines


def test_more_workers_help_until_the_head_process_is_the_limit(report: Report) -> None:
    page = scale.page(report)
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert rows[0] == "| 1 | 2 | 22.2 | 5 | the workers |"  # 400,000 notebooks of 0.2 s
    assert rows[3] == "| 10 | 20 | 2.2 | 50 | the workers |"
    assert rows[-1] == "| 100 | 200 | 2.2 | 50 | the head process |"  # of 0.02 s
    assert (
        "The head process reads, distributes and records. It needs 20.0 ms per notebook, 10.0 ms of it for recording"
    ) in page
    assert "can do 50 notebooks per second, as many as 10 workers (20 cores) can." in page
    assert "at most 200 MiB with 400 submissions, 200 MiB with 40." in page
    assert "A submission takes 100 KiB submitted, 120 KiB autograded, 8 KiB in the gradebook: 21.7 GiB for all." in page


def test_a_report_is_read_as_it_was_written(report: Report, tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_text(report.text())
    assert figures.read(tmp_path / "bench.json") == report


def test_picture_table_and_page_are_written(report: Report, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "old.json").write_text(report.text())
    readme = tmp_path / "performance.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    folder = tmp_path / "out"
    assert main(["--read", str(tmp_path / "old.json"), "--folder", str(folder), "--page", str(readme)]) == 0
    assert capsys.readouterr().out == f"{markdown(report)}\n"
    assert readme.read_text() == f"before\n{BEGIN}\n{markdown(report)}\n{END}\nafter\n"
    assert (folder / "scale.md").read_text() == scale.page(report)
    assert figures.read(folder / "bench.json") == report
    assert (folder / "bench.png").read_bytes().startswith(b"\x89PNG")
    readme.write_text("nothing here\n")
    assert main(["--read", str(tmp_path / "old.json"), "--folder", str(folder), "--page", str(readme)]) == 1
    said = f"autograder: {readme}: has no place for the table; add the lines {BEGIN} and {END}."
    assert capsys.readouterr().err.strip() == said


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ([], Plan()),
        (["--rounds", "1"], replace(Plan(), rounds=1)),
        (["--students", "2000"], replace(Plan(), large=(400, 2000))),
        (["--quick", "--rounds", "2"], replace(QUICK, rounds=2)),
    ],
)
def test_options_say_what_is_measured(
    options: list[str], size: Plan, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, course: Course
) -> None:
    asked = []

    def measured(_: Course, __: Path, size: Plan) -> SimpleNamespace:
        asked.append(size)
        return SimpleNamespace(report=lambda: report)

    monkeypatch.setattr(bench, "Bench", measured)
    assert main([*options, "--course", str(course.root), "--folder", str(tmp_path)]) == 0
    assert asked == [size]


def test_a_large_class_is_shown_in_parts(report: Report) -> None:
    done = (*(2.0 * (n + 1) for n in range(40)), *(80 + 1.0 * (n + 1) for n in range(360)), 484.0, 488.0)
    run = replace(_run(WARM, 1.0, 4, 402), seconds=488.0, done=done)
    found = Large(("a machine",), _run(PLAIN, 6.0, submissions=2, cpu=5.0), run, 3 * MIB)
    assert found.parts() == [(1, 40, 0.5), (41, 400, 0.25), (401, 402, 6.0)]
    assert found.markdown().splitlines()[2:] == [
        "| 1 to 40 | 0.5 | 120 | 12 |",
        "| 41 to 400 | 0.25 | 240 | 24 |",
        "| 401 to 402 | 6 | 10 | 1 |",
        "| all | 0.303 | 198 | 19.8 |",
        "",
        "402 submissions, 1,608 notebooks, 4 submissions at a time: 8.1 minutes. Plain nbgrader needed 6.00 s per "
        "notebook just before. Processor time per notebook: 0.500 s, with plain nbgrader 5.00 s. The grading process "
        "used at most 200 MiB. The gradebook takes 3.0 MiB.",
        "",
        "Measured on: a machine.",
    ]


@pytest.mark.kernel
@pytest.mark.process
def test_a_large_class_is_graded_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = make_without_tensorflow(tmp_path / "course")
    page = tmp_path / "page.md"
    page.write_text(f"{large.BEGIN}\n{large.END}\n")
    assert main(["--large", "2", "--course", str(small.root), "--page", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "| 1 to 2 | " in shown
    assert "2 submissions, 2 notebooks, 4 submissions at a time: " in shown
    assert page.read_text() == f"{large.BEGIN}\n{shown}{large.END}\n"


def test_a_page_without_a_place_is_refused_before_a_large_class_is_graded(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(large, "measure", None)
    page = tmp_path / "page.md"
    page.write_text("nothing here\n")
    assert main(["--large", "1000", "--course", str(course.root), "--page", str(page)]) == 1
    said = f"autograder: {page}: has no place for the table; add the lines {large.BEGIN} and {large.END}."
    assert capsys.readouterr().err.strip() == said
    assert page.read_text() == "nothing here\n"


@pytest.mark.parametrize(
    ("option", "things"), [("--large", "students"), ("--students", "students"), ("--rounds", "rounds")]
)
@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_what_is_no_number_is_refused(
    option: str, things: str, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([f"{option}={number}"])
    assert ended.value.code == 2
    assert f"argument {option}: '{number}' is not a number of {things} from 1 to " in capsys.readouterr().err


def test_the_picture_needs_only_one_size_of_class(report: Report, tmp_path: Path) -> None:
    plot.draw(replace(report, runs=report.runs[:-1]), tmp_path / "bench.png")
    assert (tmp_path / "bench.png").stat().st_size > 10_000


def test_the_machine_is_described() -> None:
    assert any(f"{cores()} cores" in said for said in describe())
    assert any(said.startswith("nbgrader ") for said in describe())


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class of two that has everything right, in a course of one question."""
    folder = tmp_path_factory.mktemp("bench")
    return make_right(make_without_tensorflow(folder / "course"), folder / "whole", 2)


@pytest.fixture(scope="module")
def proven(right: Course) -> Course:
    """That course with its tests proved."""
    proved(SourceAssignment.load(right, ASSIGNMENT))
    return right


def test_a_class_without_full_marks_is_no_measurement(right: Course, tmp_path: Path) -> None:
    part = part_of(right, tmp_path / "part", 1, SETTINGS)
    assert part.students(ASSIGNMENT) == ["student000000"]
    with pytest.raises(CourseError) as caught:
        require_full_marks(part, 1)
    assert str(caught.value) == (f"{part.root}: 0 of 1 right submissions got full marks; see what `make doctor` says.")


@pytest.mark.process
def test_a_command_that_fails_is_told_in_its_own_words(right: Course, tmp_path: Path) -> None:
    broken = part_of(right, tmp_path / "part", 1, SETTINGS)
    (broken.root / GRADEBOOK).write_text("no database")
    with pytest.raises(CourseError, match=r"nbgrader failed: .+"):
        plain.measure(broken, plain.AS_IT_COMES)
    with pytest.raises(CourseError, match=r"could not be graded \(.+\); see what `make doctor` says\."):
        ours.measure(broken, WARM, 1)


@pytest.mark.parametrize(
    ("status", "written", "why"),
    [
        (1, b"Traceback:\nKeyError: 'x'\n", "KeyError: 'x'"),
        (3, b"\n", "exit status 3"),
        (-9, b"", "ended by signal 9"),
    ],
)
def test_a_process_that_writes_no_error_is_named_by_how_it_ended(status: int, written: bytes, why: str) -> None:
    assert ours.reason(status, written) == why


def test_a_mixed_class_has_damaged_files_and_cells_of_its_own(tmp_path: Path, right: Course) -> None:
    mixed = make_mixed(make_part(tmp_path / "course", "3_gru"), tmp_path / "mixed", 17)
    assert len(mixed.students(ASSIGNMENT)) == 17
    texts = [path.read_text() for path in mixed.root.glob(f"submitted/*/{ASSIGNMENT}/3_gru.ipynb")]
    assert sum(not text.rstrip().endswith("}") for text in texts) == 1
    assert 2 <= sum("1 + 1  # try" in text for text in texts) <= 9
    assert 0.5 < distinct(mixed) < 1
    assert distinct(right) == 1


def test_importing_what_kernels_preload_takes_time(right: Course) -> None:
    assert 0.2 < limit.loading(right) < 600


@pytest.mark.kernel
def test_the_limit_is_what_the_cells_spend(right: Course) -> None:
    for prepare in ("", right.limits.prepare):
        assert 0.02 < limit.measure(right, prepare) < 30
    assert 0.02 < limit.measure(right, right.limits.prepare, "forked") < 30
    with pytest.raises(
        CourseError, match=r"its cells do not run in one process \(ZeroDivisionError: division by zero\)\."
    ):
        limit.measure(right, "1 / 0")


@pytest.mark.kernel
def test_a_graded_class_is_measured(proven: Course, tmp_path: Path) -> None:
    part = part_of(proven, tmp_path / "part", 2)
    run = ours.measure(part, WARM, 1)
    require_full_marks(part, 2)
    assert (run.submissions, run.notebooks) == (1, 1)
    assert 0 < run.recording < run.seconds
    assert run.cpu[KERNELS] > run.cpu[JUDGE] > 0
    assert run.cpu[GRADING] > 0
    assert 20 * MIB < run.peak < 2000 * MIB
    assert run.start > 1


@pytest.mark.kernel
def test_memory_of_each_kernel_is_seen(proven: Course, tmp_path: Path) -> None:
    found = ours.memory(part_of(proven, tmp_path / "part", 2), WARM, 1)
    assert found
    assert all(MIB < unique <= proportional for unique, proportional in found)


@pytest.mark.kernel
def test_plain_nbgrader_is_measured(right: Course, tmp_path: Path) -> None:
    part = part_of(right, tmp_path / "part", 2, plain.SETTINGS_TRIED[-1].settings)
    run = plain.measure(part, plain.SETTINGS_TRIED[-1])
    require_full_marks(part, 2)
    assert (run.submissions, run.notebooks, run.jobs) == (2, 2, 2)
    assert run.cpu_each > 0.5
    assert run.start > 0.5


# --- a course of functions ----------------------------------------------------------------------------------------

TESTS = "correct_squares squares_invalid_input correct_sum_of_squares sum_of_squares_uses_squares".split()
MARKS = {  # of nbgrader's quickstart course
    "solution": {
        "correct_squares": 1,
        "squares_invalid_input": 1,
        "correct_sum_of_squares": 0.5,
        "sum_of_squares_uses_squares": 0.5,
    },
    "stub": dict.fromkeys(TESTS, 0),
    "wrong": {**dict.fromkeys(TESTS, 0), "correct_sum_of_squares": 0.5},
}


@pytest.mark.kernel
def test_the_quickstart_course_gets_the_same_marks_from_both(tmp_path: Path) -> None:
    course = functions.make_quickstart(tmp_path / "quickstart", 3)
    runs = functions.measure(course, tmp_path, (1,))  # raises if the marks differ
    assert [(run.what, run.submissions, run.notebooks) for run in runs] == [(PLAIN, 3, 6), (WARM, 2, 4)]
    for copy in ("0", "1"):
        given = functions.marks(Course.at(tmp_path / copy))
        assert dict(zip(MARKS, given.values(), strict=True)) == MARKS


def test_different_marks_are_no_measurement() -> None:
    plain_marks: functions.Marks = {"a": {"t": 1.0}, "b": {"t": 0.0}, "c": {"t": 0.5}}
    functions.require_same_marks([plain_marks, plain_marks])
    with pytest.raises(CourseError, match=r"b has \{'t': 1.0\}, but \{'t': 0.0\} with plain nbgrader."):
        functions.require_same_marks([plain_marks, plain_marks | {"b": {"t": 1.0}}])
    with pytest.raises(CourseError, match="right, unanswered and wrong notebooks got the same points"):
        functions.require_same_marks([{student: {"t": 1.0} for student in "abc"}])


@pytest.mark.process
def test_what_nbgrader_cannot_do_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="nbgrader generate_assignment failed: "):
        functions._nbgrader(tmp_path, "generate_assignment", "missing")


def test_the_table_compares_the_course_of_functions_with_plain_nbgrader(report: Report, tmp_path: Path) -> None:
    runs = (_run(PLAIN, 4.0, submissions=12), _run(WARM, 0.5, submissions=12))
    rows = [line for line in markdown(replace(report, functions=runs)).splitlines() if "functions" in line]
    assert rows == [
        "| a course of functions: plain nbgrader | 12 | 4 | 15 | 1 | 0.5 |",
        "| a course of functions: autograder, warm, from checkpoints, 1 at a time | 12 | 0.5 | 120 | 8 | 0.5 |",
    ]
    (tmp_path / "bench.json").write_text(replace(report, functions=runs).text())
    assert figures.read(tmp_path / "bench.json").functions == runs
