"""The sample class: the same for the same seed, another for another, and made of what learners really write."""

from autograder.rnn.sample_answers import SAMPLES
from autograder.rnn.sample_class import sample_students


def test_the_same_seed_gives_the_same_class_and_another_seed_another() -> None:
    assert sample_students(60, 7) == sample_students(60, 7)
    assert sample_students(60, 7) != sample_students(60, 8)


def test_a_larger_class_begins_with_the_smaller_one() -> None:
    small, large = sample_students(20, 0), sample_students(60, 0)
    assert len(small) == 20
    assert len(large) == 60
    assert {name: large[name] for name in small} == small


def test_every_real_mistake_is_in_the_default_class() -> None:
    given = {code for student in sample_students(16, 0).values() for code in student.answers.values()}
    assert all(any(sample.points < 2 and sample.code in given for sample in found) for found in SAMPLES.values())
    late = [name for name, student in sample_students(16, 0).items() if student.late]
    assert late == ["max"]
