"""Which cell of a submission is which cell of the master.

A cell of the submission claims to be one of the master's: by nbgrader's name or its id, which several may claim; then,
where nobody did, by its text, by its place, and, if it is an answer, by what it assigns. One claim each is chosen at
the end; what claims nothing is a cell of the student's own.
"""

from nbformat import NotebookNode
from nbgrader.utils import is_locked, is_task
from traitlets.config import Config

from autograder.notebook.cells import grade_id
from autograder.notebook.source import answered, bindings, lines_of
from autograder.notebook.variants import released_copy
from autograder.text import normalize_whitespace

ALIKE = 0.6  # share of the words that two cells have in common, from which on one is the other, edited
MAX_WORDS = 2_000  # characters by which two texts are compared


class Matching:
    """One submission on its way: `mine` are its cells, `claims` those that claim to be a cell of the master."""

    def __init__(self, submitted: NotebookNode, master: NotebookNode, config: Config | None) -> None:
        self.submitted, self.master = submitted, master
        self.mine: list[NotebookNode] = submitted.cells
        self.cells: list[NotebookNode] = master.cells
        self.released: list[str] = [cell.source for cell in released_copy(master, config).cells]
        self.names: list[str] = [grade_id(cell) or cell.id for cell in self.cells]
        self.owned = [not (is_locked(cell) or is_task(cell)) for cell in self.cells]
        self.asked = [set(bindings(text) or {}) if self._is_code(i) else set() for i, text in enumerate(self.released)]
        self.flat, self.own = (
            list(map(normalize_whitespace, texts)) for texts in ([c.source for c in self.mine], self.released)
        )
        self.lines, self.own_lines = [lines_of(cell.source) for cell in self.mine], self._own_lines()
        self.bound = [bindings(cell.source) or {} for cell in self.mine]
        self.claims: list[list[int]] = [[] for _ in self.cells]
        self.chosen: list[int | None] = [None for _ in self.cells]

    def match(self) -> None:
        self._claim_by_name()
        self._claim_by_text()
        self._claim_by_place()
        self._claim_by_answer()
        self.chosen = [self._pick(i) for i in range(len(self.cells))]

    def _is_code(self, i: int) -> bool:
        return bool(self.cells[i].cell_type == "code")

    def _own_lines(self) -> list[set[str]]:
        """The lines of each cell that stand in no other, such as a written question's own."""
        lines = [lines_of(text) for text in self.released]
        return [own - set().union(*lines[:i], *lines[i + 1 :]) for i, own in enumerate(lines)]

    def _free(self) -> list[int]:
        claimed = {j for claims in self.claims for j in claims}
        return [j for j in range(len(self.mine)) if j not in claimed]

    def _claim_by_name(self) -> None:
        ids = {cell.id: i for i, cell in enumerate(self.cells)}
        names = {grade_id(cell): i for i, cell in enumerate(self.cells) if grade_id(cell)}
        for j, cell in enumerate(self.mine):
            i = names.get(grade_id(cell), ids.get(cell.get("id")))
            if i is not None:
                self.claims[i].append(j)

    def _claim_by_text(self) -> None:
        """A cell that lost its name is known by its text; not one that a student typed once more."""
        lost = [i for i in range(len(self.cells)) if not self.claims[i] or not (self.owned[i] or self._exact(i))]
        for j in self._free():
            same = [i for i in lost if self.own[i] and self._same(i, j)]
            if same:
                self.claims[same[0]].append(j)
                lost.remove(same[0])

    def _same(self, i: int, j: int) -> bool:
        return self.flat[j] == self.own[i]

    def _exact(self, i: int) -> list[int]:
        return [j for j in self.claims[i] if self._same(i, j)]

    def _claim_by_place(self) -> None:
        """Between its neighbours, an answer is known by what it assigns, a locked cell by most of its words."""
        gone = [i for i, claims in enumerate(self.claims) if not claims]
        for i in sorted(gone, key=lambda i: not self.owned[i]):
            before = [claims[0] for claims in self.claims[:i] if claims][-1:] or [-1]
            behind = [claims[0] for claims in self.claims[i + 1 :] if claims][:1] or [len(self.mine)]
            fits = {j: self._fit(i, j) for j in self._free() if before[0] < j < behind[0]}
            best = max(fits, key=lambda j: fits[j], default=-1)
            if fits.get(best, 0) >= ALIKE:
                self.claims[i].append(best)

    def _fit(self, i: int, j: int) -> float:
        if self.owned[i] or self.mine[j].cell_type != self.cells[i].cell_type:
            return float(self.owned[i] and self._is_answer_to(i, j))
        mine, own = set(self.flat[j][:MAX_WORDS].split()), set(self.own[i].split())
        return len(mine & own) / max(len(mine | own), 1)

    def _is_answer_to(self, i: int, j: int) -> bool:
        """Does the cell assign what the stub assigns, or, of a written answer, hold the question's own line?"""
        if self.asked[i]:
            return bool(self.asked[i] & set(self.bound[j]))
        return bool(self.own_lines[i] & self.lines[j])

    def _claim_by_answer(self) -> None:
        """What assigns an answer whose cell is gone, is that answer, wherever it stands."""
        for i in (i for i, claims in enumerate(self.claims) if not claims and self.owned[i]):
            fits = [j for j in self._free() if self._is_answer_to(i, j) and self._is_answered(i, j)]
            self.claims[i] += fits[-1:]

    def _is_answered(self, i: int, j: int | None) -> bool:
        return j is not None and answered(self.mine[j].source, self.released[i], self._is_code(i))

    def _pick(self, i: int) -> int | None:
        """Which of several counts: the last one that was answered; of locked cells, the one that is as it was."""
        claims = self.claims[i]
        best = [j for j in claims if self._is_answered(i, j)][-1:] if self.owned[i] else self._exact(i)
        own = [j for j in claims if self.mine[j].get("id") == self.cells[i].id]
        return next(iter([*best, *own, *claims]), None)
