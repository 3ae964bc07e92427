"""Identify the notebooks among the files that a student handed in.

A file is identified by its exact name, by a name that contains the notebook's name, or by its cells. If the match is
not clear, no file is used. Messages report which files were skipped and which file was chosen.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from nbformat import NotebookNode

from autograder.errors import Damaged
from autograder.notebook.cells import grade_id
from autograder.submissions.parser import parse
from autograder.text import normalize_whitespace, printable, summarize

Files = Mapping[str, bytes]  # path inside the submission, with "/" -> content of a regular file


def identify_notebooks(
    files: Files, names: Sequence[str], sources: Mapping[str, NotebookNode] | None = None
) -> tuple[dict[str, bytes | None], list[str]]:
    """Identify notebooks among files: by the exact name, by a name that contains it, or by the cells.

    Args:
        files: The content of each file by path.
        names: The names of the notebooks to find.
        sources: The source notebooks by name. Without them, files are identified by name only.

    Returns:
        The content of each notebook by name, None where no file matches clearly; and messages about the choices.
    """
    sources = sources or {}
    own = _own_marks(sources)
    ranks = {path: _rank(path, files[path], names, own) for path in sorted(files) if may_be_notebook(path)}
    placed: dict[str, bytes | None] = dict.fromkeys(names)
    messages: list[str] = []
    for name in names:
        matches = {path: rank for path, (rank, known) in ranks.items() if known == name}
        if matches:
            path, sentences = _best(name, matches, files, sources.get(name))
            placed[name] = files[path]
            messages += sentences
    if None in placed.values():
        unknown = [printable(path) for path, (_, known) in ranks.items() if known is None]
        messages += [f"{path}: could not be matched to a missing notebook; skipped." for path in unknown]
    return placed, summarize(messages)


def may_be_notebook(path: str) -> bool:
    """Return whether a file may be a notebook. Browsers save some as .ipynb.txt, .ipynb.json or .json."""
    base = path.rpartition("/")[2].casefold()
    return ".ipynb" in base or base.endswith(".json")


def _rank(path: str, content: bytes, names: Sequence[str], own: Mapping[str, set[str]]) -> tuple[int, str | None]:
    """Return how a file is identified and as which notebook (None if it is not identified).

    0: exact name, 1: exact name in a subfolder, 2: similar name, 3: by its cells, 4: not identified.
    """
    base = path.rpartition("/")[2]
    exact = [name for name in names if base == name.removesuffix(".ipynb") + ".ipynb"]
    if exact:
        return (0 if path == base else 1), exact[0]
    by_cells = _source_by_cells(content, own)
    contained = [name for name in names if f" {_words(name)} " in f" {_words(base)} "]
    longest = [name for name in contained if len(name) == max(map(len, contained))]  # "lstm_2" also contains "lstm"
    if len(longest) == 1 and by_cells in (None, longest[0]):
        return 2, longest[0]
    return (3, by_cells) if by_cells else (4, None)


def _words(name: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", name.casefold().removesuffix(".ipynb")))


def _lines(nb: NotebookNode) -> set[str]:
    return {normalize_whitespace(line) for cell in nb.cells for line in cell.source.splitlines()}


def _marks(nb: NotebookNode) -> set[str]:
    """Return what identifies a notebook: its cells' ids and names, and its lines."""
    return {cell.get("id", "") for cell in nb.cells} | {grade_id(cell) for cell in nb.cells} | _lines(nb)


def _own_marks(sources: Mapping[str, NotebookNode]) -> dict[str, set[str]]:
    """Return the marks that appear in only one source notebook, by its name."""
    all_marks = {name: _marks(nb) for name, nb in sources.items()}
    counts = Counter(mark for marks in all_marks.values() for mark in marks)
    return {name: {mark for mark in marks if mark and counts[mark] == 1} for name, marks in all_marks.items()}


def _source_by_cells(content: bytes, own: Mapping[str, set[str]]) -> str | None:
    """Return the source notebook that the cells come from.

    None unless the file has over a sixth of its marks, and over three times the share of any other notebook's.
    """
    try:
        marks = _marks(parse(content, "")[0]) if own else set()
    except Damaged:
        return None
    shares = sorted(((len(marks & mine) / max(len(mine), 1), name) for name, mine in own.items()), reverse=True)
    first, second = [*shares, (0.0, ""), (0.0, "")][:2]
    return first[1] if first[0] > max(1 / 6, 3 * second[0]) else None


def _best(name: str, ranks: dict[str, int], files: Files, source: NotebookNode | None) -> tuple[str, list[str]]:
    """Choose one of several matching files, and explain the choice.

    Readable files come first, then better names, then more answers, then the order of names.
    """
    paths = list(ranks)
    keys = {path: (0, ranks[path], (0, 0)) for path in paths}
    if len(paths) > 1:
        keys = {path: (*_answered(files[path], source, ranks[path]),) for path in paths}
    best = min(paths, key=lambda path: keys[path])
    rest = [keys[path] for path in paths if files[path] != files[best]]
    if rest:
        step = next((i for i, (a, b) in enumerate(zip(keys[best], min(rest), strict=True)) if a != b), 3)
        reasons = (
            "the others cannot be read",
            "its name matches better",
            "it has more answers",
            "its name comes first",
        )
        return best, [f"{name}: {len(rest) + 1} files match; {printable(best)} was used: {reasons[step]}."]
    cells = ", identified by its cells" if ranks[best] == 3 else ""
    return best, [f"{name}: read from {printable(best)}{cells}."] if ranks[best] else []


def _answered(content: bytes, source: NotebookNode | None, rank: int) -> tuple[int, int, tuple[int, int]]:
    """Return a sort key: unreadable files last, then by rank, changed cells and lines that the source does not have."""
    try:
        nb, _ = parse(content, "")
    except Damaged:
        return 1, rank, (0, 0)
    if source is None:
        return 0, rank, (0, 0)
    known = {cell.get("id"): normalize_whitespace(cell.source) for cell in source.cells}
    known |= {grade_id(cell): normalize_whitespace(cell.source) for cell in source.cells if grade_id(cell)}
    ids = [(grade_id(cell) or cell.id, normalize_whitespace(cell.source)) for cell in nb.cells]
    changed = {name for name, source in ids if known.get(name, source) != source}
    return 0, rank, (-len(changed), -len(_lines(nb) - _lines(source)))
