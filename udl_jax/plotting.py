"""The look of every figure: the colours, the colormap and the panels that return in many chapters."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from jaxtyping import ArrayLike, Float
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

#: Colours that readers with any colour vision tell apart (Okabe and Ito, 2008), dark ones first.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
TRAIN, TEST = COLOURS[1], COLOURS[0]
DATA = "#444444"
#: From low (dark) to high (light), in the warm browns of the book's loss surfaces.
COLORMAP = LinearSegmentedColormap.from_list(
    "udl", ["#1f0812", "#5c2230", "#9c4f3f", "#cf8f62", "#eccb9d", "#fff9ec"]
)

_STYLE = {
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
        ax.contour(x, y, height, lines, colors="#80808080", linewidths=0.8, linestyles="solid")
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
