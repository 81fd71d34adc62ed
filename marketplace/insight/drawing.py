"""Drawing in the house's manner: a titled sheet, bars from zero, bands and hidden cells, and the bytes of the SVG.

Knows matplotlib, and no report. No global state of its library is used but its settings, under a lock and put back;
the same figure is the same bytes. Text is drawn as paths, so that a chart looks alike wherever it is seen; `<title>`
and `<desc>` say in words what it shows. Colours are those of Okabe and Ito (2008), told apart by the colour-blind.
"""

import io
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from threading import Lock
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE, BLACK = (
    *("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#222222"),
)
GREY, PALE, RULE = "#6b6b6b", "#e9edf1", "#c9ced3"
PALE_BLUE = "#a9cbe2"
HATCH = "////"
WIDTH = 9.0
"""Inches."""
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 13.5, 9.0, 7.6
LINE = 0.175
"""Height of a line of text, in inches."""
SALT = "mutuals-marketplace"
_LOCK = Lock()
_HEAD = re.compile(r"<svg ")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A figure with its title and notes in place; axes go between `bottom` and `top` (fractions of the height)."""

    figure: Figure
    height: float
    top: float
    bottom: float
    title: str
    description: str

    def panel(self, left: float, right: float, over: float = 0.0, to: float = 1.0, **kwargs: Any) -> Axes:
        """Axes between `left` and `right` (fractions of the width), `over` and `to` (fractions of what is free)."""
        free = self.top - self.bottom
        low, high = self.bottom + over * free, self.bottom + to * free
        axes = self.figure.add_axes((left, low, right - left, high - low), **kwargs)
        axes.tick_params(length=0, labelsize=SMALL_SIZE + 0.6, colors=BLACK)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.set_axisbelow(True)
        return axes


def sheet(title: str, subtitle: str, notes: Sequence[str], body: float, description: str) -> Sheet:
    """A sheet whose body is `body` inches high, between its title and its notes."""
    heading = textwrap.wrap(title, 78)
    under = textwrap.wrap(subtitle, 126)
    below = [line for note in notes for line in textwrap.wrap(note, 150)]
    above_body = 0.22 + 0.25 * len(heading) + LINE * len(under) + 0.22
    below_body = 0.30 + 0.145 * len(below)
    height = above_body + body + below_body
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    at = height - 0.30
    for line in heading:
        figure.text(0.02, at / height, line, fontsize=TITLE_SIZE, fontweight="bold", color=BLACK, va="baseline")
        at -= 0.25
    for line in under:
        figure.text(0.02, (at + 0.05) / height, line, fontsize=TEXT_SIZE, color=GREY, va="baseline")
        at -= LINE
    at = 0.11 + 0.145 * (len(below) - 1)
    for line in below:
        figure.text(0.02, at / height, line, fontsize=SMALL_SIZE, color=GREY, va="baseline")
        at -= 0.145
    return Sheet(figure, height, 1 - above_body / height, below_body / height, title, description)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its name, how long it certainly is, how long it may be (a band), or hidden; and what stands at its end.

    `inner` is a part of it that is drawn stronger.
    """

    name: str
    least: float
    most: float
    label: str
    hidden: bool = False
    inner: float | None = None


def horizontal_bars(axes: Axes, bars: Sequence[Bar], *, heading: str, colour: str = BLUE) -> None:
    """Bars from zero, the first at the top, each with its label at its end: solid as far as is sure, pale beyond."""
    longest = max([bar.most for bar in bars if not bar.hidden] or [0.0])
    scale = longest or 10.0
    stub = scale * 0.12
    for place, bar in enumerate(bars):
        if bar.hidden:
            axes.barh(place, stub, color="white", edgecolor=RULE, hatch=HATCH, height=0.62, linewidth=0.6)
        else:
            pale = PALE_BLUE if bar.inner is not None else colour
            axes.barh(place, bar.most, color=pale, alpha=0.35 if bar.inner is None else 0.9, height=0.62, linewidth=0)
            if bar.inner is None:
                axes.barh(place, bar.least, color=colour, height=0.62, linewidth=0)
            else:
                axes.barh(place, bar.inner, color=colour, height=0.62, linewidth=0)
        end = stub if bar.hidden else bar.most
        shade = GREY if bar.hidden or bar.most == 0 else BLACK
        axes.text(end + scale * 0.015, place, bar.label, va="center", ha="left", fontsize=SMALL_SIZE + 0.4, color=shade)
    axes.set_yticks(range(len(bars)), [bar.name for bar in bars])
    axes.set_ylim(len(bars) - 0.45, -0.55)
    axes.set_xlim(0, scale * 1.45)
    axes.set_xticks([])
    axes.axvline(0, color=BLACK, linewidth=0.9)
    axes.set_title(heading, loc="left", fontsize=TEXT_SIZE, color=BLACK, fontweight="bold", pad=5, x=0.0)


SIGNS_ABOVE = 90
"""How many signs fit beside one another over a matrix."""


def matrix(
    axes: Axes,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[tuple[float | None, str]]],
    *,
    heading: str,
    empty_is_hole: bool = False,
) -> None:
    """A table of shaded cells, each with its text: darker is more, hatched is not told, and a hole stands out."""
    largest = max([value for row in cells for value, _ in row if value is not None] or [1.0]) or 1.0
    shades = mpl.colormaps["Blues"]
    for at, row in enumerate(cells):
        for place, (value, text) in enumerate(row):
            corner = (place - 0.5, at - 0.5)
            if value is None:
                _cell(axes, corner, "white", hatch=HATCH)
            elif value == 0 and empty_is_hole:
                _cell(axes, corner, "#fbe3d6")
            else:
                _cell(axes, corner, PALE if value == 0 else shades(0.25 + 0.65 * value / largest))
            dark = value is not None and value / largest > 0.55
            ink = VERMILION if value == 0 and empty_is_hole else "white" if dark else BLACK
            axes.text(place, at, text, ha="center", va="center", fontsize=SMALL_SIZE, color=ink)
    axes.set_xticks(range(len(columns)), [textwrap.fill(each, SIGNS_ABOVE // max(1, len(columns))) for each in columns])
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_title(heading, loc="left", fontsize=TEXT_SIZE, color=BLACK, fontweight="bold", pad=6)


def key_of(
    axes: Axes, entries: Sequence[tuple[str, str, str | None]], where: Any = "lower right", **kwargs: Any
) -> None:
    """A key: (name, colour, hatch or None), for what cannot be labelled where it stands."""
    handles = [
        Patch(facecolor=colour, edgecolor=RULE if hatch else "none", hatch=hatch, label=name)
        for name, colour, hatch in entries
    ]
    axes.legend(
        handles=handles,
        loc=where,
        frameon=False,
        fontsize=SMALL_SIZE + 0.4,
        handlelength=1.2,
        handleheight=0.9,
        **kwargs,
    )


def whole_years(axes: Axes) -> None:
    """Ticks at whole years alone."""
    axes.xaxis.set_major_locator(MaxNLocator(9, integer=True))


def light_grid(axes: Axes, axis: Any = "y") -> None:
    """Thin lines along the ticks."""
    axes.grid(axis=axis, color=PALE, linewidth=0.8)


def drawn(make: Callable[[], Sheet], *, png: bool = False) -> bytes:
    """The chart that `make` draws, as SVG (or PNG, to look at): the same bytes for the same figures."""
    with _LOCK, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {"svg.fonttype": "path", "svg.hashsalt": SALT, "hatch.linewidth": 0.5, "path.simplify": True}
        )
        made = make()
        written = io.BytesIO()
        if png:
            made.figure.savefig(written, format="png", dpi=110)
            return written.getvalue()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        made.figure.savefig(written, format="svg", metadata=nothing)
    return _with_words(written.getvalue().decode(), made.title, made.description).encode()


def _with_words(svg: str, title: str, description: str) -> str:
    """The drawing with its role, title and description, for those who hear it."""
    head = _HEAD.search(svg)
    if head is None:
        raise ValueError("no svg element")
    start = svg.index(">", head.start()) + 1
    opened = svg[: start - 1].replace("<svg ", '<svg role="img" aria-labelledby="chart-title chart-desc" ', 1)
    words = f'<title id="chart-title">{escape(title)}</title>\n<desc id="chart-desc">{escape(description)}</desc>'
    return f"{opened}>\n {words}{svg[start:]}"


def _cell(axes: Axes, corner: tuple[float, float], colour: Any, hatch: str | None = None) -> None:
    axes.add_patch(
        Rectangle(corner, 1, 1, facecolor=colour, edgecolor=RULE if hatch else "white", hatch=hatch, linewidth=1.2)
    )
