"""A picture that moves: step through one LSTM or GRU cell, and guess the shapes of what the layer returns.

It needs ipywidgets. Where these are missing, and while a notebook is graded, there is a still picture instead. A still
picture is also stored in the notebook, for pages that show it without a kernel.
"""

import ast
import html
import importlib.util
from typing import Any

from shapes.output import Shown, coded, grading, note
from shapes.walk import MOST, View, describe, frame, walk

MISSING = "To move this picture, install ipywidgets (`pip install ipywidgets`) and run this cell again."
STILL = "Run this cell to move the picture."
INTERVAL = 1600  # ms between two steps of play; an animation takes 1.4 s
EXAMPLE = "Type a shape, such as (9, 9)."
KINDS = ("LSTM", "GRU")
STYLE = """<style>
.shapes-explore{max-width:980px;padding:4px 2px}
.shapes-explore .widget-html-content{line-height:1.45;color:var(--jp-ui-font-color1,inherit)}
.shapes-explore .widget-html,.shapes-explore .widget-html-content{height:auto;overflow:visible}
.shapes-explore button,.shapes-explore .widget-toggle-button{min-width:64px;width:auto;border-radius:6px;
 border:1px solid var(--jp-border-color1,#bdbdbd);padding:0 12px;color:var(--jp-ui-font-color1,inherit)}
.shapes-explore .mod-active{background:#0b5cad!important;border-color:#0b5cad;color:white!important}
.shapes-explore button:focus-visible,.shapes-explore input:focus-visible{
 outline:3px solid #E69F00;outline-offset:2px}
.shapes-explore .widget-text input[type=number]{width:56px}
.shapes-explore code,.shapes-explore pre{font-family:var(--jp-code-font-family,monospace);font-size:13px;
 color:inherit;background:var(--jp-layout-color2,rgba(128,128,128,.15));border-radius:4px}
.shapes-explore pre{padding:8px 12px;margin:6px 0;white-space:pre-wrap}
.shapes-chip{display:inline-block;border:1.5px solid currentColor;border-radius:6px;padding:1px 8px;
 margin:2px 6px 2px 0}
.shapes-frames{display:flex;flex-wrap:wrap;gap:12px 28px;overflow-x:auto}
.shapes-frames>*{flex:1 1 auto}
.shapes-live .shapes-in{animation:shapes-in .6s ease-in both}
.shapes-live .shapes-back{animation:shapes-from .5s ease both}
.shapes-live .shapes-new{animation:shapes-from .4s .5s ease both}
.shapes-live .shapes-out{animation:shapes-from .5s .85s ease both}
.shapes-live .shapes-late{animation:shapes-show .4s 1.3s ease both}
@keyframes shapes-in{from{opacity:1;transform:none}90%{opacity:1}to{opacity:0;transform:translate(var(--x),var(--y))}}
@keyframes shapes-from{from{opacity:0;transform:translate(var(--x),var(--y))}30%{opacity:1}to{opacity:1;transform:none}}
@keyframes shapes-show{from{opacity:0}to{opacity:1}}
@media (prefers-reduced-motion:reduce){.shapes-explore .shapes-play{display:none}
 .shapes-live *{animation:none!important}}
</style>"""

# Without a kernel JupyterLab would write, below the still picture, that a widget is missing.
KEPT = "<style>.jp-OutputArea-child:has(.shapes-still)+* > .jupyter-widgets:not(:has(*)){display:none}</style>"


def explore(
    cell: str = "LSTM",
    *,
    return_sequences: bool = False,
    return_state: bool = True,
    batch: int = 1,
    timesteps: int = 5,
    units: int = 4,
) -> Any:
    """Show a picture that moves: data goes through one cell, step by step.

    Args:
        cell: "LSTM" or "GRU", to begin with. So are the others:
        return_sequences: the layer's flag.
        return_state: the layer's flag.
        batch: the number of samples, 1 to 4.
        timesteps: the number of timesteps, 1 to 8.
        units: the number of units, 1 to 4.

    Returns:
        The picture, which a notebook displays; a still one where ipywidgets is missing or the notebook is graded.
    """
    kind = str(cell).upper()
    if kind not in KINDS:
        return note(f'explore: there is no picture of {cell!r}. Pass "LSTM" or "GRU".')
    sizes = {"batch": batch, "timesteps": timesteps, "units": units}
    for name, size in sizes.items():
        if not (isinstance(size, int) and 1 <= size <= MOST[name]):
            return note(f"explore: {name} is {size!r}. Pass a whole number from 1 to {MOST[name]}.")
    flags = (bool(return_sequences), bool(return_state))
    if grading():
        return still(kind, sizes, flags, "")
    if importlib.util.find_spec("ipywidgets") is None:
        return still(kind, sizes, flags, MISSING)
    return Explorer(kind, sizes, flags)


def still(kind: str, sizes: dict[str, int], flags: tuple[bool, bool], sentence: str) -> Shown:
    """Return the picture after the last step, without its shapes, and a sentence."""
    numbers = walk(kind, **sizes)
    text = "\n".join(filter(None, (describe(View(numbers, 0, sizes["timesteps"], *flags)), sentence)))
    picture = frames(kind, sizes, flags, sizes["timesteps"])
    return Shown(text, f"{picture}{code(kind, sizes, flags)}{coded(sentence)}")


def frames(kind: str, sizes: dict[str, int], flags: tuple[bool, bool], done: int) -> str:
    """Return a picture for each sample; in a narrow window they wrap."""
    numbers = walk(kind, **sizes)
    views = (View(numbers, sample, done, *flags) for sample in range(sizes["batch"]))
    style = "display:flex;flex-wrap:wrap;gap:12px 28px;overflow-x:auto"
    return f'<div class="shapes-frames" style="{style}">{"".join(map(frame, views))}</div>'


def code(kind: str, sizes: dict[str, int], flags: tuple[bool, bool]) -> str:
    """Return the lines of code that make the layer and unpack what it returns, as HTML."""
    names = ", ".join(walk(kind, **sizes).returned(*flags))
    shape = (sizes["batch"], sizes["timesteps"], MOST["features"])
    call = f"{kind}({sizes['units']}, return_sequences={flags[0]}, return_state={flags[1]})"
    lines = (f"data.shape == {shape}  # batch, timesteps, features", f"layer = {call}", f"{names} = layer(data)")
    return f"<pre>{html.escape(chr(10).join(lines))}</pre>"


class Explorer:
    """The picture and its controls; `root` is the widget that has them all."""

    def __init__(self, kind: str, sizes: dict[str, int], flags: tuple[bool, bool]) -> None:
        import ipywidgets

        self._widgets = ipywidgets
        self.kind = ipywidgets.ToggleButtons(options=KINDS, value=kind, style={"button_width": "72px"})
        self.flags = [ipywidgets.ToggleButton(value=flag) for flag in flags]
        self.sizes = {name: self._size(name, size) for name, size in sizes.items()}
        self.back, self.step = (ipywidgets.Button(description=text) for text in ("◀ Back", "Step ▶"))
        self.play = ipywidgets.Play(min=0, max=sizes["timesteps"], interval=INTERVAL, layout={"display": "none"})
        self.playing = ipywidgets.ToggleButton(description="Play")
        self.playing.add_class("shapes-play")
        self.picture, self.code, self.result = (ipywidgets.HTML() for _ in range(3))
        self.guesses = {name: self._guess(name) for name in ("output", "h", "c")}
        self.show = ipywidgets.Button(description="Show the shapes")
        self.revealed: dict[str, str] = {}  # what is written about each shape that may be seen
        self.root = self._layout()
        self._connect()
        self._changed()

    def _ipython_display_(self) -> None:
        """Show a still picture, which the notebook keeps, and the widgets, which hide it as long as they live."""
        from IPython.display import display

        mark = f"shapes-still-{self.root.model_id[:12]}"
        self.style.value = f"{STYLE}<style>.{mark}{{display:none}}</style>"
        shown = still(*self.state(), STILL)
        display(
            {"text/html": f'{KEPT}<div class="shapes-still {mark}">{shown.html}</div>', "text/plain": shown.text},
            raw=True,
        )
        display(self.root._repr_mimebundle_() | {"text/plain": STILL}, raw=True)

    def state(self) -> tuple[str, dict[str, int], tuple[bool, bool]]:
        """Return the layer that is chosen: its kind, its sizes, its flags."""
        sizes = {name: box.value for name, box in self.sizes.items()}
        return self.kind.value, sizes, (self.flags[0].value, self.flags[1].value)

    def _size(self, name: str, size: int) -> Any:
        """Return a box for a number. A slider of ipywidgets has no name that a screen reader could read out."""
        options = {"description": name, "style": {"description_width": "68px"}, "layout": {"width": "150px"}}
        return self._widgets.BoundedIntText(value=size, min=1, max=MOST[name], **options)

    def _guess(self, name: str) -> Any:
        options = {"placeholder": "your guess", "continuous_update": False, "layout": {"width": "230px"}}
        return self._widgets.Text(description=f"{name}.shape", style={"description_width": "90px"}, **options)

    def _layout(self) -> Any:
        rows = self._widgets.HBox
        wrap = {"flex_flow": "row wrap", "align_items": "center"}
        self.style = self._widgets.HTML(STYLE)
        root = self._widgets.VBox(
            [
                self.style,
                rows([self.kind, *self.flags], layout=wrap),
                rows(list(self.sizes.values()), layout=wrap),
                rows([self.back, self.step, self.playing, self.play], layout=wrap),
                self.picture,
                self.code,
                rows([*self.guesses.values(), self.show], layout=wrap),
                self.result,
            ]
        )
        root.add_class("shapes-explore")
        return root

    def _connect(self) -> None:
        for control in (self.kind, *self.flags, *self.sizes.values()):
            control.observe(lambda change: self._changed(), "value")
        self.play.observe(lambda change: self._draw(change.new == change.old + 1), "value")
        self._widgets.link((self.playing, "value"), (self.play, "playing"))
        self.playing.observe(lambda change: self._name_play(), "value")
        self.back.on_click(lambda button: self._move(-1))
        self.step.on_click(lambda button: self._move(1))
        self.show.on_click(lambda button: self._reveal())
        for name, guess in self.guesses.items():
            guess.observe(lambda change, name=name: self._judge(name, change.new), "value")

    def _name_play(self) -> None:
        self.playing.description = "Pause" if self.playing.value else "Play"

    def _move(self, steps: int) -> None:
        self.play.value = min(max(self.play.value + steps, 0), self.play.max)

    def _changed(self) -> None:
        """Show another layer. Its shapes are hidden until they are guessed."""
        kind, sizes, flags = self.state()
        for button, name in zip(self.flags, ("return_sequences", "return_state"), strict=True):
            button.description = f"{name}={button.value}"
        self.revealed = {}
        returned = walk(kind, **sizes).returned(*flags)
        for name, guess in self.guesses.items():
            guess.value = ""
            guess.layout.display = "flex" if name in returned else "none"
        self.code.value = code(kind, sizes, flags)
        self.play.max = sizes["timesteps"]  # a larger value becomes this one
        self._draw(False)

    def _draw(self, moves: bool) -> None:
        kind, sizes, flags = self.state()
        returned = walk(kind, **sizes).returned(*flags)
        shapes = {name: f"{array.shape}" if name in self.revealed else "?" for name, array in returned.items()}
        chips = "".join(f'<span class="shapes-chip"><b>{name}</b> {shape}</span>' for name, shape in shapes.items())
        live = ' class="shapes-live"' if moves else ""
        done = self.play.value
        text = coded(describe(View(walk(kind, **sizes), 0, done, *flags)))
        steps = f"<strong>Step {done} of {sizes['timesteps']}.</strong>"
        self.picture.value = (
            f"<div{live}>{frames(kind, sizes, flags, done)}</div>"
            f'<div role="status">{steps} {text}</div><div>The layer returns {chips}</div>'
        )
        self.result.value = f'<div role="status">{"<br>".join(map(html.escape, self.revealed.values()))}</div>'

    def _judge(self, name: str, text: str) -> None:
        """Compare a guess with the shape, and show the shape; a guess that is no shape gets a sentence."""
        if not text.strip():
            return
        guess, shape = _shape(text), self._shapes()[name]
        if guess is None:
            self.result.value = f'<div role="status">{html.escape(f"{name}: {text!r} is not a shape. {EXAMPLE}")}</div>'
            return
        right = guess == shape
        verdict = f"You guessed {guess}: correct." if right else f"You guessed {guess}; it is {shape}."
        self.revealed[name] = f"{'✓' if right else '✗'} {name}: {verdict} {self._axes(shape)}"
        self._draw(False)

    def _reveal(self) -> None:
        for name, shape in self._shapes().items():
            self.revealed.setdefault(name, f"{name}: {shape}. {self._axes(shape)}")
        self._draw(False)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        kind, sizes, flags = self.state()
        return {name: array.shape for name, array in walk(kind, **sizes).returned(*flags).items()}

    def _axes(self, shape: tuple[int, ...]) -> str:
        names = ("batch", *["timesteps"] * (len(shape) == 3), "units")
        return f"The axes are {', '.join(names)}."


def _shape(text: str) -> tuple[int, ...] | None:
    """Read a shape that was typed, such as "(9, 9)" or "9, 9"; None if it is not one."""
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return None
    sizes = tuple(value) if isinstance(value, list | tuple) else (value,)
    return sizes if all(type(size) is int for size in sizes) else None
