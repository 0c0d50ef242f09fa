"""What stands on the penguin's ice, as simple shapes: squares, holes, fish, arrows, and the penguin."""

from typing import Any

import numpy as np
from matplotlib import patches
from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from udl_jax.ch19_reinforcement.grids import SIDE

ICE, HOLE, FISH = 0, 1, 2
COLD = "#e3f2fa"
_EDGE, _GLINT = "#9cc9e0", "#ffffff"
_WATER, _RIM, _WAVE = "#24557f", "#8dbcd8", "#7fb0d3"
_SCALES, _FIN = "#f0913a", "#d9731f"
_COAT, _BELLY, _BEAK = "#22303c", "#fbfdff", "#f5a623"
_ARROW = "#ffcf33"


def corner(square: int) -> tuple[int, int]:
    """Give the place of a square's upper left corner: columns to the right, rows down."""
    row, column = divmod(int(square), SIDE)
    return column, row


def draw_square(ax: Axes, square: int, colour: Any = COLD, glint: bool = False) -> None:
    """Draw a square of ice, with two streaks of light if it is to shine."""
    x, y = corner(square)
    rounded = "round,pad=0.02,rounding_size=0.07"
    ax.add_patch(patches.FancyBboxPatch((x + 0.05, y + 0.05), 0.9, 0.9, rounded, fc=colour, ec=_EDGE, lw=0.9))
    for start, length in ((0.62, 0.16), (0.70, 0.09)) if glint else ():
        streak = [x + start, x + start + length], [y + 0.84, y + 0.84 - length]
        ax.plot(*streak, color=_GLINT, lw=1.6, solid_capstyle="round", zorder=1.1)


def draw_thing(ax: Axes, square: int, thing: int) -> None:
    """Draw a hole or a fish; of ice there is nothing more to draw."""
    middle = np.add(corner(square), 0.5)
    if thing == HOLE:
        for width, height, colour in ((0.62, 0.46, _RIM), (0.54, 0.37, _WATER)):
            ax.add_patch(patches.Ellipse(middle, width, height, fc=colour, ec="none", zorder=2))
        across = np.linspace(-1, 1, 30)
        for down, half in ((-0.045, 0.15), (0.065, 0.10)):
            wave = middle[1] + down + 0.014 * np.sin(across * half * 60)
            ax.plot(middle[0] + half * across, wave, color=_WAVE, lw=0.9, zorder=2.1)
    elif thing == FISH:
        _draw_fish(ax, middle)


def _draw_fish(ax, middle) -> None:
    body = [(-0.27, 0), (-0.12, -0.22), (0.10, -0.16), (0.18, 0), (0.10, 0.16), (-0.12, 0.22), (-0.27, 0)]
    tail = [(0.12, 0), (0.20, -0.08), (0.26, -0.16), (0.30, -0.15), (0.26, -0.05)]
    tail += [(0.26, 0.05), (0.30, 0.15), (0.26, 0.16), (0.20, 0.08), (0.12, 0)]
    for points, colour in ((tail, _FIN), (body, _SCALES)):
        codes = [Path.MOVETO] + [Path.CURVE4] * (len(points) - 1)
        ax.add_patch(patches.PathPatch(Path(np.add(middle, points), codes), fc=colour, ec="none", zorder=2.2))
    gill = np.add(middle, (-0.09, 0))
    ax.add_patch(patches.Arc(gill, 0.10, 0.20, theta1=-70, theta2=70, color=_FIN, lw=1.1, zorder=2.3))
    for radius, colour in ((0.032, "white"), (0.016, "black")):
        eye = np.add(middle, (-0.17, -0.035))
        ax.add_patch(patches.Circle(eye, radius, fc=colour, ec="none", zorder=2.4))


def draw_penguin(ax: Axes, square: int) -> list:
    """Draw the penguin, and return its parts, which :func:`place` moves."""
    shapes = [patches.Ellipse((side * 0.09, 0.31), 0.15, 0.07, fc=_BEAK) for side in (-1, 1)]
    shapes += [patches.Ellipse((s * 0.2, 0.06), 0.1, 0.34, angle=-s * 22, fc=_COAT) for s in (-1, 1)]
    shapes += [
        patches.Ellipse((0, 0.06), 0.40, 0.50, fc=_COAT),
        patches.Circle((0, -0.19), 0.155, fc=_COAT),
        patches.Ellipse((0, 0.11), 0.27, 0.38, fc=_BELLY),
        patches.Ellipse((-0.05, -0.18), 0.12, 0.14, fc=_BELLY),
        patches.Ellipse((0.05, -0.18), 0.12, 0.14, fc=_BELLY),
        patches.Polygon([(-0.05, -0.16), (0.05, -0.16), (0, -0.09)], fc=_BEAK),
    ]
    shapes += [patches.Circle((side * 0.05, -0.20), 0.022, fc="black") for side in (-1, 1)]
    for layer, shape in enumerate(shapes):
        shape.set(edgecolor="none", zorder=5 + layer / 100)
        ax.add_patch(shape)
    place(shapes, ax, square)
    return shapes


def place(shapes: list, ax: Axes, square: int) -> None:
    """Put the parts of a penguin onto a square, a little above its middle, where there is room for a number below."""
    x, y = corner(square)
    for shape in shapes:
        shape.set_transform(Affine2D().scale(0.9).translate(x + 0.5, y + 0.48) + ax.transData)


def draw_arrow(ax: Axes, middle: Any, move: tuple[int, int], size: float) -> None:
    """Draw an arrow head around a point; ``move`` is the step of rows and of columns in whose direction it points."""
    along = np.array(move[::-1])
    aside = along[::-1]
    points = (0.55 * along, -0.45 * along + 0.45 * aside, -0.25 * along, -0.45 * along - 0.45 * aside)
    arrow = patches.Polygon(np.add(middle, np.multiply(size, points)), fc=_ARROW, ec=_COAT, zorder=3.5)
    arrow.set(linewidth=min(0.9, 4 * size), joinstyle="round")
    ax.add_patch(arrow)
