"""What a class report holds: each number and each reason to look, on classes small enough to count by hand."""

from dataclasses import replace

import pytest

from autograder.course.roster import Person
from autograder.gradebook.graded_notebooks import GradedAnswers, Prediction
from autograder.gradebook.queries import Row, Table
from autograder.model import TROUBLES as STATUSES
from autograder.model import Check, Outcome, Reason, Status, Value, Verdict, Words
from autograder.reports.class_statistics import TROUBLES, ClassReport, Flag, class_report
from autograder.reports.html import report_page
from autograder.tests.harness.statistics import make_answers, make_failed, make_row, make_table


def _whys(report: ClassReport) -> list[str]:
    return [look.why for look in report.looks]


def test_an_empty_class_has_a_report() -> None:
    report = class_report(make_table(), {})
    assert (report.summary.students, report.summary.mean, report.summary.quartiles) == (0, None, ())
    assert [question.share_right for question in report.questions] == [None] * 3
    assert report.looks == ()


def test_marks_are_summed_up_over_those_who_handed_in() -> None:
    report = class_report(make_table(make_row("a", 2, 2, 1), make_row("b", 2, 0, None), make_row("c")), {})
    summary = report.summary
    assert (summary.students, summary.handed_in, summary.open_marks, summary.mean) == (3, 2, 1, 3.5)
    assert summary.quartiles == (2.0, 2.75, 3.5, 4.25, 5.0)
    assert [line.outcomes for line in report.lines] == [
        ("right", "right", "right"),
        ("right", "wrong", "not marked yet"),
        ("not handed in",) * 3,
    ]


def test_outcomes_follow_the_verdicts() -> None:
    verdicts = (
        Verdict("q1-test", Outcome.NO_EVIDENCE, 0.0, "late.", Reason.TIMEOUT),
        Verdict("q2-test", Outcome.NOT_ATTEMPTED, 0.0),
    )
    rows = (make_row("a", 0, 0, 0), make_row("b", 1, 0, 0))
    report = class_report(make_table(*rows), {"a": make_answers(*verdicts)}, {("a", ("one", "q2-why"))})
    assert report.lines[0].outcomes == ("not judged", "not answered", "not answered")
    assert report.lines[1].outcomes == ("partly right", "wrong", "wrong")
    assert report.questions[0].without_evidence == {"timeout": ("a",)}
    assert report.without_verdicts == 1


def test_open_marks_count_for_neither_side() -> None:
    report = class_report(make_table(make_row("a", 2, 2, 1), make_row("b", 2, 0, None)), {})
    assert [(q.share_right, q.difficulty) for q in report.questions] == [(1, 1), (0.5, 0.5), (1, 1)]


def test_mistakes_are_counted_by_the_tests_words_with_the_answers_that_made_them() -> None:
    batch = "the batch axis is missing."
    facts = {
        "a": make_answers(make_failed("q1-test", batch, "(3,)")),
        "b": make_answers(make_failed("q1-test", batch, "(3,)")),
        "c": make_answers(make_failed("q1-test", batch, "[3]")),
        "d": make_answers(make_failed("q1-test", "text is no shape.", "'x'")),
        "e": make_answers(Verdict("q1-test", Outcome.PASSED, 2.0, given="(1, 3)")),
    }
    question = class_report(make_table(*(make_row(student, 0, 0, 0) for student in facts)), facts).questions[0]
    assert [(m.says, m.students, m.share, m.given) for m in question.mistakes] == [
        (batch, 3, 0.6, (("(3,)", 2), ("[3]", 1))),
        ("text is no shape.", 1, 0.2, (("'x'", 1),)),
    ]
    assert question.more_mistakes == 0


def test_a_function_is_known_by_what_it_returned() -> None:
    check = Check(1, "assert f(2) == 4", (Value("f(2)", "5", False),), False, Words.NONE, "", 1, 1)
    facts = {"a": make_answers(replace(make_failed("q1-test", "`assert f(2) == 4` failed."), given="", check=check))}
    (mistake,) = class_report(make_table(make_row("a", 0, 0, 0)), facts).questions[0].mistakes
    assert mistake.given == (("f(2) is 5", 1),)


def test_names_stand_beside_ids() -> None:
    named = replace(make_row("a", 0, 0, 0), person=Person("a", "<Ada>", "Lovelace"))
    facts = {"a": make_answers(Verdict("q1-test", Outcome.NO_EVIDENCE, 0.0, "late.", Reason.TIMEOUT))}
    report = class_report(make_table(replace(named, status=Status.TIMEOUT), make_row("b", 1, 0, 0)), facts)
    assert [line.name for line in report.lines] == ["<Ada> Lovelace", ""]
    page = report_page(report)
    assert page.count("&lt;Ada&gt; Lovelace (a)</a>") == 2  # to check, and whose answer was not judged
    assert "<td class=s>a<td class=s>&lt;Ada&gt; Lovelace" in page
    assert "<Ada>" not in page
    assert "<th>name" not in report_page(class_report(make_table(make_row("b", 1, 0, 0)), {}))


def test_of_many_mistakes_the_rarer_ones_are_counted() -> None:
    facts = {f"s{i:02}": make_answers(make_failed("q1-test", f"mistake {i}.")) for i in range(11)}
    question = class_report(make_table(*(make_row(student, 0, 0, 0) for student in facts)), facts).questions[0]
    assert (len(question.mistakes), question.more_mistakes) == (8, 3)


def test_discrimination_is_the_point_biserial_correlation_with_the_rest() -> None:
    rows = (make_row("a", 2, 2, 1), make_row("b", 2, 2, 0), make_row("c", 0, 0, 1), make_row("d", 0, 0, 0))
    first = class_report(make_table(*rows), {}).questions[0]
    # right: 1 1 0 0; the rest: 3 2 1 0, of mean 2.5 and 0.5 and standard deviation sqrt(5)/2; half are right
    assert first.discrimination == pytest.approx((2.5 - 0.5) / (5**0.5 / 2) * 0.5)


@pytest.mark.parametrize(
    "rows",
    [
        (make_row("a", 2, 2, 1), make_row("b", 0, 0, 0)),  # too few
        (make_row("a", 2, 2, 1), make_row("b", 2, 0, 0), make_row("c", 2, 0, 1)),  # all right
        (make_row("a", 2, 2, 0), make_row("b", 0, 2, 0), make_row("c", 0, 2, 0)),  # the rest the same
    ],
)
def test_discrimination_is_open_where_it_is_not_defined(rows: tuple[Row, ...]) -> None:
    assert class_report(make_table(*rows), {}).questions[0].discrimination is None


def test_who_needs_a_look() -> None:
    silent = make_answers(
        Verdict("q1-test", Outcome.NOT_ATTEMPTED, 0.0), Verdict("q2-test", Outcome.NOT_ATTEMPTED, 0.0)
    )
    facts = {
        "a": silent,
        "b": make_answers(replace(make_failed("q1-test", "h: not computed."), flag="arrays that no layer made")),
        "c": make_answers(
            *(replace(make_failed(f"q{i}-test", "no."), flag="arrays that no layer made") for i in (1, 2))
        ),
        "f": make_answers(replace(make_failed("q1-test", "no."), flag="a flag of another test")),
    }
    broken = make_row("e", 0, 0, 0, status=Status.DAMAGED)
    rows = (
        make_row("a", 0, 0, 0),
        make_row("b", 0, 0, 0),
        make_row("c", 0, 0, 0),
        make_row("d"),
        broken,
        make_row("f", 0, 0, 0),
    )
    assert class_report(make_table(*rows), facts).looks == (
        Flag("handed in nothing", ("d",)),
        Flag("answered nothing", ("a",)),
        Flag("a notebook that cannot be read", ("e",)),
        Flag("a flag of another test", ("f",)),
        Flag("arrays that no layer made", ("b", "c")),
    )


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (Status.GRADER_ERROR, "the grader failed: not marked yet"),
        (Status.MISSING, "a notebook that was not handed in"),
        (Status.CRASH, "code that crashed its kernel"),
        (Status.MEMORY, "code that used too much memory"),
        (Status.TIMEOUT, "code that ran too long"),
        (Status.OUTPUT, "code that printed too much"),
        (Status.LIMIT, "code that reached a limit on files or processes"),
    ],
)
def test_each_status_that_is_trouble_is_a_reason(status: Status, why: str) -> None:
    assert _whys(class_report(make_table(make_row("a", 0, 0, 0, status=status)), {})) == [why]


def test_no_status_that_is_trouble_is_forgotten() -> None:
    assert set(TROUBLES) == set(STATUSES) - {Status.UNSANDBOXED}


def test_the_same_wrong_answers_are_noticed_from_three_on() -> None:
    cells = {f"q{i}": ("one", f"q{i}-test") for i in range(4)}
    points = dict.fromkeys(cells, 1.0)
    three = make_answers(*(make_failed(f"q{i}-test", "no.", "(8, 3)") for i in range(3)))
    other = make_answers(*(make_failed(f"q{i}-test", "no.", "(8, 1)") for i in range(3)))
    two = make_answers(*(make_failed(f"q{i}-test", "no.", "(8, 3)") for i in range(2)))
    facts = {"a": three, "b": three, "c": other, "d": two, "e": two}
    rows = tuple(Row(student, dict.fromkeys(cells, 0.0), 0.0, 4.0, Status.GRADED, "", ()) for student in facts)
    report = class_report(Table("ps1", points, rows, cells), facts)
    assert report.looks == (Flag("the same 3 wrong answers", ("a", "b"), "q0, q1, q2"),)


def test_guesses_stand_beside_what_came() -> None:
    facts = {
        student: GradedAnswers({}, (Prediction("one", "guess", guess, f"you guessed {guess}, 3 came"),))
        for student, guess in (("a", "3"), ("b", "3"), ("c", "1"))
    }
    report = class_report(make_table(*(make_row(student, 0, 0, 0) for student in facts)), facts)
    assert [(g.guess, g.students, g.observed) for g in report.guesses] == [
        ("3", 2, "you guessed 3, 3 came"),
        ("1", 1, "you guessed 1, 3 came"),
    ]
    assert report.guesses[0].share == pytest.approx(2 / 3)


def test_repairs_and_statuses_are_counted() -> None:
    many = tuple(f"repair {i}" for i in range(9))
    report = class_report(
        make_table(make_row("a", 2, 2, 1, repairs=many), make_row("b", 2, 2, 1, repairs=("repair 3",))), {}
    )
    assert report.repairs[0] == ("repair 3", 2)
    assert (len(report.repairs), report.more_repairs) == (8, 1)
    assert report.statuses == {"graded": 2}
