"""Formulas on pages without scripts: drawn as letters alone, or not at all."""

import base64

import pytest

from autograder.reports.formulas import MAX_FORMULA, draw


def test_a_formula_is_a_picture_without_a_background_and_with_its_depth() -> None:
    drawn = draw(r"h_t = o_t \odot \tanh(c_t)")
    assert drawn is not None
    address, below = drawn
    svg = base64.b64decode(address.partition(",")[2]).decode()
    assert "#ffffff" not in svg
    assert "<text" not in svg, "its letters are shapes, so no font is needed"
    assert 0 < below < 12


@pytest.mark.parametrize(
    "formula",
    [r"\oops", "a$b", "{" * 20 + "}" * 20, "x" * (MAX_FORMULA + 1), r"\hspace{100000}x", "", r"\begin{a}b\end{a}"],
)
def test_what_is_no_formula_is_not_drawn(formula: str) -> None:
    assert draw(formula) is None
