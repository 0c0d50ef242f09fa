"""The look of every figure: the colours, the colormap and the panels that return in many chapters."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from jaxtyping import ArrayLike, Float
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure, SubFigure

#: Colours that readers with any colour vision tell apart (Okabe and Ito, 2008), dark ones first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
TRAIN, TEST = COLOURS[1], COLOURS[0]
DATA = "#444444"
#: For paths on a surface in :data:`COLORMAP`.
PATH_COLOURS = ("#FFFFFF", COLOURS[5], COLOURS[2], COLOURS[3])
#: From low (dark) to high (light), in the warm browns of the book's loss surfaces.
COLORMAP = LinearSegmentedColormap.from_list(
    "udl", ["#1f0812", "#5c2230", "#9c4f3f", "#cf8f62", "#eccb9d", "#fff9ec"]
)
#: Contour lines in them: light where the surface is dark, dark where it is light.
_CONTOURS = ListedColormap(["#FFFFFF66", "#00000066"])

_STYLE = {
    "animation.frame_format": "jpeg",  # a seventh of PNG's size where the frames show surfaces
    "axes.grid": False,
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.dpi": 100,
    "figure.figsize": (5.5, 4.0),
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "image.cmap": COLORMAP.name,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


def use_book_style() -> None:
    """Set Matplotlib's defaults to the look of this companion. Every gallery script calls it first."""
    if COLORMAP.name not in plt.colormaps():
        plt.colormaps.register(COLORMAP)
    plt.rcParams.update(_STYLE)


def surface(
    ax: Axes,
    x: Float[ArrayLike, " columns"],
    y: Float[ArrayLike, " rows"],
    height: Float[ArrayLike, "rows columns"],
    *,
    lines: int | Sequence[float] = 20,
    limits: tuple[float, float] | None = None,
    label: str | None = None,
) -> None:
    """Draw a function of two variables as a heat map with contour lines.

    Parameters
    ----------
    ax
        Where to draw.
    x, y
        Coordinates of the columns and of the rows of ``height``.
    height
        Values of the function.
    lines
        Number of contour lines, or their levels.
    limits
        Values at the two ends of the colormap; by default the smallest and the largest.
    label
        Adds a colour bar with this label.
    """
    low, high = limits or (np.min(height), np.max(height))
    shades = ax.pcolormesh(
        x, y, height, cmap=COLORMAP, vmin=low, vmax=high, shading="gouraud", rasterized=True
    )
    if np.ptp(np.asarray(height)) > 0:
        ax.contour(
            x, y, height, lines, cmap=_CONTOURS, vmin=low, vmax=high, linewidths=0.8, linestyles="solid"
        )
    if label is not None:
        ax.figure.colorbar(shades, ax=ax, label=label)


def panels(rows: int, columns: int, *, size: float = 2.2, **settings) -> tuple[Figure, np.ndarray]:
    """Make a grid of small square panels that share their axes; inner tick labels are left out.

    Parameters
    ----------
    rows, columns
        Shape of the grid.
    size
        Width and height of a panel in inches.
    settings
        For ``matplotlib.pyplot.subplots``.

    Returns
    -------
    Figure, array of Axes
        The axes as an array of shape (rows, columns).
    """
    shared = {"sharex": True, "sharey": True, "squeeze": False} | settings
    return plt.subplots(rows, columns, figsize=(size * columns + 0.4, size * rows + 0.3), **shared)


def hidden_unit_panels(
    figure: Figure | SubFigure,
    x: Float[ArrayLike, " samples"] | Float[ArrayLike, "samples 1"],
    *rows: Float[ArrayLike, "samples units"],
    labels: Sequence[str] = ("pre-activation", "activation", "weighted"),
    limits: tuple[float, float] | None = None,
) -> np.ndarray:
    """Draw what the hidden units of a network with one input compute: a column and a colour for each unit.

    Parameters
    ----------
    figure
        Where to draw: a figure, or a part of one.
    x
        Inputs in rising order.
    rows
        What to draw over ``x``, from top to bottom; with the default labels that is three arrays:
        pre-activations, activations, activations times their weights.
    labels
        One for each of ``rows``.
    limits
        Lower and upper end of the vertical axis, which all panels share.

    Returns
    -------
    array of Axes
        Of shape (rows, units).
    """
    axes = figure.subplots(len(rows), np.shape(rows[0])[1], sharex=True, sharey=True, squeeze=False)
    for values, label, row in zip(rows, labels, axes, strict=True):
        for unit, ax in enumerate(row):
            ax.axhline(0, color="0.85", lw=0.8, zorder=0)
            ax.plot(x, values[:, unit], color=COLOURS[unit % len(COLOURS)])
        row[0].set(ylabel=label, ylim=limits, xlim=(np.min(x), np.max(x)))
    for unit, (top, bottom) in enumerate(zip(axes[0], axes[-1]), 1):
        top.set_title(f"unit {unit}")
        bottom.set_xlabel("input $x$")
    return axes


def paths(
    ax: Axes,
    points: Mapping[str, Float[ArrayLike, "_ 2"]],
    *,
    best: Float[ArrayLike, "2"] | tuple[float, float] | None = None,
    legend: str | None = "upper right",
) -> list:
    """Draw paths over a surface, in colours that stand out from it.

    Parameters
    ----------
    ax
        Where to draw.
    points
        The points of each path, by its name.
    best
        Where to put a star, which is called "best" in the legend.
    legend
        Corner for the names of the paths; None for no legend.

    Returns
    -------
    list of Line2D
        One for each path.
    """
    lines = [
        ax.plot(*np.asarray(path).T, "o-", color=colour, ms=2.5, lw=1.2, label=name)[0]
        for (name, path), colour in zip(points.items(), PATH_COLOURS)
    ]
    if best is not None:
        ax.plot(*best, "*", color=COLOURS[4], ms=11, mec="k", ls="none", label="best")
    if legend is not None:
        ax.legend(loc=legend, labelcolor="w", facecolor="k", framealpha=0.4, frameon=True)
    return lines


def animate_paths(
    ax: Axes | Sequence[Axes] | np.ndarray,
    points: Mapping[str, Float[ArrayLike, "_ 2"]],
    *,
    frames: int = 20,
    interval: float = 300,
    **settings,
) -> FuncAnimation:
    """Draw :func:`paths` that grow, step by step.

    Parameters
    ----------
    ax
        Where to draw: one panel for all paths, or one for each.
    points
        The points of each path, by its name. Shorter paths wait at their ends for longer ones.
    frames
        Number of pictures; if there are more steps, each picture goes on by several.
    interval
        Milliseconds from picture to picture.
    settings
        For :func:`paths`.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        To be kept in a variable for as long as it should run. As a still picture, its figure shows the
        whole paths.

    Raises
    ------
    ValueError
        If there are several panels, but not one for each path.
    """
    # NumPy's: JAX would compile a program for each length of each path.
    panels, points = np.ravel(ax), {name: np.asarray(path) for name, path in points.items()}
    if len(panels) == 1:
        lines = paths(panels[0], points, **settings)
    elif len(panels) == len(points):
        lines = [paths(panel, {name: points[name]}, **settings)[0] for panel, name in zip(panels, points)]
    else:
        raise ValueError(f"ax must be one panel or one for each of {len(points)} paths, got {len(panels)}")
    figure, longest = panels[0].figure, max(map(len, points.values()))

    def draw(shown):
        for line, path in zip(lines, points.values()):
            line.set_data(*path[:shown].T)
        for panel, name in zip(panels, points):
            title = f"after {shown - 1} step{'' if shown == 2 else 's'}"
            panel.set_title(title if len(panels) == 1 else f"{name}: {title}")
        return lines

    shown = np.unique(np.linspace(1, longest, min(frames, longest)).astype(int))
    animation = FuncAnimation(figure, draw, shown, interval=interval)
    draw(longest)  # the layout must leave room for the title
    figure.canvas.draw()  # starts it: Matplotlib warns of animations that never were
    figure.set_layout_engine("none")  # the layout stands; to find it anew for each picture takes longest
    draw(longest)
    return animation
