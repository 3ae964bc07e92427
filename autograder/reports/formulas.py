"""Draw formulas with matplotlib's mathtext, for pages that run no scripts and so have no MathJax."""

import base64
import io
from functools import lru_cache

MAX_FORMULA = 300  # characters
MAX_BRACES = 8  # braces within braces
MAX_WIDTH = 2_000  # points
FONT_SIZE = 12


@lru_cache(maxsize=4_096)
def draw(formula: str) -> tuple[str, float] | None:
    """Draw a formula as a picture.

    Args:
        formula: The LaTeX between the dollar signs.

    Returns:
        The picture as a data URL, and how far it reaches below the line, in points. None if mathtext cannot read the
        formula, which has fewer commands than MathJax.
    """
    depth = most = 0
    for letter in formula:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        most = max(most, depth)
    return None if len(formula) > MAX_FORMULA or most > MAX_BRACES or "$" in formula else _drawn(f"${formula}$")


def _drawn(formula: str) -> tuple[str, float] | None:
    from matplotlib import rc_context
    from matplotlib.font_manager import FontProperties  # here: few pages have a formula
    from matplotlib.mathtext import MathTextParser, math_to_image

    font, drawn = FontProperties(size=FONT_SIZE, math_fontfamily="cm"), io.BytesIO()
    try:
        width, *_ = MathTextParser("path").parse(formula, dpi=72, prop=font)
        if not 0 < width < MAX_WIDTH:
            return None
        with rc_context({"savefig.transparent": True}):  # on a dark page the letters are inverted, the paper is not
            below = math_to_image(formula, drawn, prop=font, dpi=72, format="svg")
    except Exception:  # a student's text may be no formula, in many ways
        return None
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.getvalue()).decode()}", float(below)
