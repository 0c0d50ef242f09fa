import matplotlib.pyplot as plt
import numpy as np
import pytest

from udl_jax.ch13_graphs import drawing
from udl_jax.ch13_graphs.adjacency import from_edges

SQUARE = from_edges([(0, 1), (1, 2), (2, 3), (0, 3)], 5)


def test_places_are_the_same_each_time_and_one_a_node():
    places = drawing.place_nodes(SQUARE, seed=1)
    assert places.shape == (5, 2)
    np.testing.assert_array_equal(places, drawing.place_nodes(SQUARE, seed=1))


def test_each_edge_is_a_line_of_its_width():
    _, ax = plt.subplots()
    widths = np.arange(25.0).reshape(5, 5)
    drawing.draw_graph(ax, SQUARE, drawing.place_nodes(SQUARE), labels="abcde", widths=widths)
    assert [line.get_linewidth() for line in ax.lines] == [
        widths[0, 1],
        widths[0, 3],
        widths[1, 2],
        widths[2, 3],
    ]
    assert [text.get_text() for text in ax.texts] == list("abcde")
    plt.close()


def test_bad_input_is_told():
    _, ax = plt.subplots()
    places = drawing.place_nodes(SQUARE)
    with pytest.raises(ValueError, match=r"adjacency must have the shape \(nodes, nodes\).* got \(2, 3\)"):
        drawing.place_nodes(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"places must have the shape \(nodes, 2\), where nodes is 5"):
        drawing.draw_graph(ax, SQUARE, places[:4])
    with pytest.raises(ValueError, match="labels must be one a node, 5, got 2"):
        drawing.draw_graph(ax, SQUARE, places, labels="ab")
    with pytest.raises(ValueError, match=r"widths must have the shape \(nodes, nodes\), where nodes is 5"):
        drawing.draw_graph(ax, SQUARE, places, widths=np.ones(5))
    plt.close()
