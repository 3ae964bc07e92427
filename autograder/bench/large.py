"""Grade one large class once, and find whether a notebook takes longer the more of them have been graded."""

from dataclasses import dataclass
from pathlib import Path

from autograder.bench import machine, ours, plain
from autograder.bench.figures import WARM, Run
from autograder.bench.scene import GRADEBOOK, make_right, part_of, require_full_marks
from autograder.course.course import Course
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.proving import proved
from autograder.rnn.sample_class import ASSIGNMENT

BEGIN, END = "<!-- large -->", "<!-- /large -->"  # in the page
JOBS = 4  # submissions at a time
EDGES = (40, 400)  # numbers of submissions between the parts of the class
HEAD = "| submissions | seconds per notebook | notebooks per minute | × plain nbgrader |"
LINE = "|---|--:|--:|--:|"
MIB = 1 << 20


@dataclass(frozen=True)
class Large:
    """A class that was graded once, and two of its submissions by plain nbgrader just before."""

    machine: tuple[str, ...]
    plain: Run
    run: Run
    stored: int  # bytes of the gradebook

    def parts(self) -> list[tuple[int, int, float]]:
        """Return the parts of the class: the first and the last submission of each, and its seconds per notebook."""
        done, each = self.run.done, self.run.notebooks // self.run.submissions
        ends = [*(edge for edge in EDGES if edge < len(done)), len(done)]
        parts, before = list[tuple[int, int, float]](), 0
        for end in ends:
            seconds = done[end - 1] - (done[before - 1] if before else 0.0)
            parts.append((before + 1, end, seconds / (each * (end - before))))
            before = end
        return parts

    def markdown(self) -> str:
        """Return the table, and what else was measured."""
        run, parts = self.run, self.parts()
        rows = [
            f"| {first:,} to {last:,} | {each:.3g} | {60 / each:.3g} | {self.plain.each / each:.3g} |"
            for first, last, each in parts
        ]
        rows.append(f"| all | {run.each:.3g} | {60 / run.each:.3g} | {self.plain.each / run.each:.3g} |")
        notes = (
            f"{run.submissions:,} submissions, {run.notebooks:,} notebooks, {run.jobs} submissions at a time: "
            f"{run.seconds / 60:.1f} minutes. Plain nbgrader needed {self.plain.each:.2f} s per notebook just before. "
            f"Processor time per notebook: {run.cpu_each:.3f} s, with plain nbgrader {self.plain.cpu_each:.2f} s. "
            f"The grading process used at most {run.peak // MIB} MiB. The gradebook takes {self.stored / MIB:.1f} MiB."
        )
        return "\n".join([HEAD, LINE, *rows, "", notes, "", f"Measured on: {'; '.join(self.machine)}."])


def measure(course: Course, folder: Path, students: int) -> Large:
    """Grade a class of so many students, in which every answer is right.

    Args:
        course: The course whose notebooks are graded.
        folder: An empty folder for the classes.
        students: The number of students. One more is graded before the measurement starts.

    Raises:
        CourseError: Grading fails, or a right answer does not get full marks.
    """
    described = machine.describe()
    whole = make_right(course, folder / "large", students + 1)
    proved(SourceAssignment.load(whole, ASSIGNMENT))  # as `autograder release` does
    few = part_of(whole, folder / "few", 2, plain.AS_IT_COMES.settings)
    nbgrader = plain.measure(few, plain.AS_IT_COMES)
    run = ours.measure(whole, WARM, JOBS)
    require_full_marks(whole, students + 1)
    return Large(described, nbgrader, run, (whole.root / GRADEBOOK).stat().st_size)
