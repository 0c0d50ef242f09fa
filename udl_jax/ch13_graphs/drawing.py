"""Draw graphs: nodes as discs, edges as lines whose width may mean something."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import networkx as nx
import numpy as np
from jaxtyping import Array, Float, Num
from matplotlib.axes import Axes

from udl_jax._annotations import checked
from udl_jax.ch13_graphs.adjacency import Adjacency

#: Light colours, on which labels can be read.
PALE, MARKED, CHOSEN = "#f3eee3", "#eccb9d", "#cf8f62"


@checked
def place_nodes(adjacency: Adjacency, seed: int = 0) -> Float[np.ndarray, "nodes 2"]:
    """Find places in the plane at which neighbours are near to each other.

    Parameters
    ----------
    adjacency
        Adjacency matrix.
    seed
        Decides where the springs start from that pull neighbours together.

    Returns
    -------
    Float[np.ndarray, "nodes 2"]
        A place for each node; with the same networkx always the same. Their precision is that of the matrix.

    Raises
    ------
    ValueError
        If the matrix is not square.
    """
    graph = nx.from_numpy_array(np.asarray(adjacency) != 0)
    places = nx.spring_layout(graph, seed=seed, k=1.6 / np.sqrt(len(graph)), iterations=200)
    is_floating = jnp.issubdtype(adjacency.dtype, jnp.floating)
    dtype = adjacency.dtype if is_floating else jnp.result_type(float)
    return np.array([places[node] for node in range(len(graph))], dtype)


@checked
def draw_graph(
    ax: Axes,
    adjacency: Adjacency,
    places: Float[Array | np.ndarray, "nodes 2"],
    *,
    labels: Sequence[Any] | None = None,
    colours: Sequence[Any] | str = PALE,
    sizes: float | Sequence[float] = 330,
    widths: Num[Array | np.ndarray, "nodes nodes"] | None = None,
    font_size: float = 9,
) -> None:
    """Draw a graph at given places.

    Parameters
    ----------
    ax
        Where to draw; its axes are hidden.
    adjacency
        Adjacency matrix; each entry that is not zero is a line.
    places
        From :func:`place_nodes`.
    labels
        What stands on the nodes; their numbers by default.
    colours
        One for all nodes, or one for each.
    sizes
        Area of the nodes, in squared points.
    widths
        Width of the line of each edge, in points.
    font_size
        Of the labels, in points.

    Raises
    ------
    ValueError
        If the matrix is not square, or places, labels or widths are not as many as it has nodes or edges.
    """
    matrix, places = np.asarray(adjacency), np.asarray(places)
    labels = range(len(matrix)) if labels is None else labels
    if len(labels) != len(matrix):
        raise ValueError(f"labels must be one a node, {len(matrix)}, got {len(labels)}")
    for m, n in np.argwhere(np.triu((matrix != 0) | (matrix.T != 0), 1)):
        width = 1.2 if widths is None else float(widths[m, n])
        ax.plot(*places[[m, n]].T, color="0.45", lw=width, zorder=1, solid_capstyle="round")
    ax.scatter(*places.T, s=sizes, c=colours, edgecolors="0.25", linewidths=0.9, zorder=2)
    for (x, y), label in zip(places, labels):
        ax.text(x, y, str(label), ha="center", va="center", fontsize=font_size, zorder=3)
    ax.margins(0.12)
    ax.axis("off")
