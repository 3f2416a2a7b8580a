"""Plots of a report as SVG: plain files that any browser draws and a diff can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from cine_recommender.evaluation.bootstrap import Estimate

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW = 760, 150, 40, 44, 26
_INK, _FAINT, _MARK, _STRONG = "#1f2328", "#d0d7de", "#57606a", "#0969da"


@dataclass(frozen=True)
class Dot:
    """A model in a scatter plot: where, and whether it stands out."""

    label: str
    x: float
    y: float
    strong: bool


def intervals(title: str, rows: Sequence[tuple[str, Estimate, bool]], limit: float | None = None) -> str:
    """Returns means with their intervals, one row a model.

    Args:
        title: above the plot.
        rows: name, estimate, whether it stands out; in the order of rows. At least one.
        limit: drawn as a line, such as what a perfect model would reach, when it lies within reach of the rows.
    """
    low = min(0.0, *(one.low for _, one, _ in rows))
    high = max(one.high for _, one, _ in rows)
    if limit is not None and limit < 1.5 * high:
        high = max(high, limit)
    high = max(high, low + 1e-6)  # figures all alike
    ticks = _ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    height = _TOP + _ROW * len(rows) + 36
    bottom = _TOP + _ROW * len(rows)

    def across(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    parts = [_text(12, 22, title, weight="bold", anchor="start")]
    for tick in ticks:
        parts.append(_line(across(tick), _TOP - 6, across(tick), bottom, _FAINT))
        parts.append(_text(across(tick), bottom + 18, f"{tick:g}", colour=_MARK))
    if limit is not None and low <= limit <= high:
        parts.append(_line(across(limit), _TOP - 6, across(limit), bottom, _MARK, dashes=True))
    for at, (name, one, strong) in enumerate(rows):
        y = _TOP + _ROW * at + _ROW / 2
        colour = _STRONG if strong else _INK
        parts.append(_text(_LEFT - 10, y + 4, name, anchor="end", colour=colour))
        parts.append(_line(across(one.low), y, across(one.high), y, colour, width=2))
        parts.append(f'<circle cx="{across(one.mean):.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>')
    return _whole(height, parts, title)


def scatter(title: str, across: str, upwards: str, dots: Sequence[Dot]) -> str:
    """Returns models by two figures.

    Args:
        title: above the plot.
        across: what the horizontal axis is.
        upwards: what the vertical axis is.
        dots: at least one; no figure below 0.
    """
    height = 420
    bottom, left, top = height - 56, 70, _TOP + 16
    xs, ys = _ticks(0, max(one.x for one in dots)), _ticks(0, max(one.y for one in dots))
    wide = max(xs[-1], 1e-6, *(one.x for one in dots))
    tall = max(ys[-1], 1e-6, *(one.y for one in dots))

    def place(x: float, y: float) -> tuple[float, float]:
        return left + x / wide * (_WIDTH - left - 110), bottom - y / tall * (bottom - top)

    parts = [_text(12, 22, title, weight="bold", anchor="start")]
    for tick in xs:
        x, _ = place(tick, 0)
        parts += [_line(x, top, x, bottom, _FAINT), _text(x, bottom + 18, f"{tick:g}", colour=_MARK)]
    for tick in ys:
        _, y = place(0, tick)
        parts += [
            _line(left, y, _WIDTH - 110, y, _FAINT),
            _text(left - 8, y + 4, f"{tick:g}", anchor="end", colour=_MARK),
        ]
    parts.append(_text((left + _WIDTH - 110) / 2, height - 14, across, colour=_MARK))
    parts.append(_text(12, top - 14, upwards, anchor="start", colour=_MARK))
    taken: list[tuple[float, float]] = []
    for one in dots:
        x, y = place(one.x, one.y)
        colour = _STRONG if one.strong else _INK
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>')
        # names of models that lie close together go below each other
        label = y + 4
        while any(abs(label - other) < 13 and abs(x - near) < 110 for near, other in taken):
            label += 13
        taken.append((x, label))
        parts.append(_text(x + 9, label, one.label, anchor="start", colour=colour))
    return _whole(height, parts, title)


def _ticks(low: float, high: float) -> list[float]:
    """Returns four to ten round numbers that span the range."""
    span = max(high - low, 1e-9)
    step = 10.0**-12
    for power in range(-12, 13):
        for digit in (1, 2, 5):
            step = digit * 10.0**power
            if span / step <= 8:
                first = int(low // step)
                count = int(-((low - high) // step)) + 1
                return [round(step * (first + at), 12) for at in range(count + 1) if step * (first + at - 1) < high]
    raise ValueError(f"no axis spans {low} to {high}")


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1, dashes: bool = False) -> str:
    extra = ' stroke-dasharray="4 3"' if dashes else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width:g}"{extra}/>'


def _text(x: float, y: float, text: str, anchor: str = "middle", colour: str = _INK, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-weight="{weight}">{escape(text)}</text>'


def _whole(height: float, parts: Sequence[str], title: str) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}" height="{height:g}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img">'
    )
    paper = f'<rect width="{_WIDTH}" height="{height:g}" fill="#ffffff"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", paper, *parts, "</svg>"]) + "\n"
