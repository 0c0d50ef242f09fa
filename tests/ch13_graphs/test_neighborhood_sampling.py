import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from udl_jax.ch13_graphs import neighborhood_sampling as sampling
from udl_jax.ch13_graphs.adjacency import from_edges
from udl_jax.ch13_graphs.graph_representation import distances
from udl_jax.ch13_graphs.message_passing import aggregate

GRAPH = np.asarray(from_edges(sampling.FIGURE_13_10, 23))
RNG = np.random.default_rng(0)


def random_graph(nodes, share):
    links = np.triu(RNG.random((nodes, nodes)) < share, 1)
    return links | links.T


def test_field_is_who_is_within_reach():
    for share in (0.05, 0.15, 0.4):
        links = random_graph(20, share)
        far = np.asarray(distances(links))
        fields = sampling.receptive_field(links, np.arange(20) == 7, 5)
        for k in range(6):
            np.testing.assert_array_equal(fields[k], (far[7] >= 0) & (far[7] <= k))


def test_field_without_loops_are_ends_of_walks_of_one_length():
    links = random_graph(12, 0.2)
    fields = sampling.receptive_field(links, np.arange(12) == 3, 4, self_loops=False)
    for k in range(5):
        walks = np.linalg.matrix_power(links.astype(int), k)[3]
        np.testing.assert_array_equal(fields[k], walks > 0)


def test_field_of_several_nodes_is_the_union():
    one, two = np.arange(23) == 4, np.arange(23) == 20
    both = sampling.receptive_field(GRAPH, one | two, 3)
    alone = [sampling.receptive_field(GRAPH, nodes, 3) for nodes in (one, two)]
    np.testing.assert_array_equal(both, alone[0] | alone[1])


def test_field_of_directed_graph_follows_receivers_back():
    receives = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]])  # node 0 from node 1, node 1 from node 2
    fields = sampling.receptive_field(receives, np.array([True, False, False]), 2)
    np.testing.assert_array_equal(fields.sum(1), [1, 2, 3])
    np.testing.assert_array_equal(
        sampling.receptive_field(receives, np.array([False, False, True]), 2).sum(1), 1
    )


def test_choice_is_of_the_candidates_and_of_the_right_size():
    choose = jax.jit(jax.vmap(sampling.choose, (0, 0, None)), static_argnums=2)
    priorities, candidates = RNG.normal(size=(1000, 15)), RNG.random((1000, 15)) < RNG.random((1000, 1))
    for n in (1, 4, 15):
        chosen = np.asarray(choose(priorities, candidates, n))
        assert not (chosen & ~candidates).any()
        np.testing.assert_array_equal(chosen.sum(1), np.minimum(n, candidates.sum(1)))
        kept = np.where(chosen, priorities, np.inf).min(1)
        left = np.where(candidates & ~chosen, priorities, -np.inf).max(1)
        assert (kept >= left).all()


def test_each_candidate_is_drawn_equally_often():
    candidates = np.isin(np.arange(12), (1, 2, 5, 6, 8, 11))
    uniforms = jax.random.uniform(jax.random.key(0), (10_000, 12))
    chosen = jax.vmap(lambda u: sampling.choose(u, candidates, 2))(uniforms)
    numbers = np.asarray(chosen.sum(0))[candidates]
    assert numbers.sum() == 20_000
    # The two of a draw exclude each other, which makes the statistic smaller than chi-square's.
    assert stats.chi2.sf(((numbers - 20_000 / 6) ** 2 / (20_000 / 6)).sum(), 5) > 0.001
    subsets = np.unique(np.asarray(chosen) @ (2 ** np.arange(12)), return_counts=True)[1]
    assert len(subsets) == 15
    assert stats.chisquare(subsets).pvalue > 0.001


def test_layers_grow_by_new_neighbours_of_what_is_there():
    draw = jax.jit(lambda key, node: sampling.draw_layers(key, GRAPH, node, 4, 3))
    for k in range(30):
        start = np.arange(23) == k % 23
        chosen, layers = (np.asarray(a) for a in draw(jax.random.key(k), start))
        here = start
        for step in range(4):
            candidates = (GRAPH[here].any(0)) & ~here
            assert not (chosen[step] & ~candidates).any()
            assert chosen[step].sum() == min(3, candidates.sum())
            here = here | chosen[step]
            np.testing.assert_array_equal(layers[step], here & ~start)


def test_layers_end_where_the_graph_ends():
    pair = from_edges([(0, 1)], 4)
    drawn = sampling.draw_layers(jax.random.key(0), pair, np.arange(4) == 0, 3, 2)
    np.testing.assert_array_equal(drawn.layers, [[False, True, False, False]] * 3)
    np.testing.assert_array_equal(drawn.chosen.sum(1), [1, 0, 0])


def test_negative_and_infinite_priorities_are_priorities():
    chosen = sampling.choose(np.array([-np.inf, -3.0, -2.0, np.inf]), np.array([True, True, True, False]), 2)
    np.testing.assert_array_equal(chosen, [False, True, True, False])


def test_neighbours_of_all_nodes():
    sample = sampling.sample_neighbours(RNG.random((23, 23)), GRAPH, 4)
    assert sample.neighbours.shape == (23, 4)
    np.testing.assert_array_equal(sample.is_neighbour.sum(1), np.minimum(4, GRAPH.sum(1)))
    for node in range(23):
        found = np.asarray(sample.neighbours[node])[np.asarray(sample.is_neighbour[node])]
        assert GRAPH[node, found].all()
        assert len(set(found.tolist())) == len(found)


def test_mean_of_samples_is_unbiased():
    h = np.random.default_rng(1).normal(size=(23, 2)).astype(np.float32)

    @jax.jit
    def draw(keys):
        once = lambda key: sampling.sample_neighbours(jax.random.uniform(key, (23, 23)), GRAPH, 2)  # noqa: E731
        return jax.vmap(lambda key: sampling.mean_of_sample(h, once(key)))(keys)

    means = np.asarray(draw(jax.random.split(jax.random.key(0), 4000)), np.float64)
    error = means.std(0) / np.sqrt(4000)
    expected = aggregate(h, GRAPH, "mean")
    assert (np.abs(means.mean(0) - expected) <= 4 * error + 1e-5).all()


def test_sample_of_all_neighbours_is_their_mean_with_finite_gradient():
    links = GRAPH.copy()
    links[5] = links[:, 5] = 0
    h = RNG.normal(size=(23, 2)).astype(np.float32)
    sample = sampling.sample_neighbours(RNG.random((23, 23)), links, 23)
    np.testing.assert_allclose(sampling.mean_of_sample(h, sample), aggregate(h, links, "mean"), atol=1e-6)
    assert np.isfinite(jax.grad(lambda h: sampling.mean_of_sample(h, sample).sum())(jnp.asarray(h))).all()


def test_bad_input_is_told():
    start = np.arange(23) == 0
    with pytest.raises(ValueError, match="layers must not be negative, got -1"):
        sampling.receptive_field(GRAPH, start, -1)
    with pytest.raises(ValueError, match=r"nodes must have the shape \(nodes\), where nodes is 23"):
        sampling.receptive_field(GRAPH, start[:5], 2)
    with pytest.raises(TypeError, match="nodes must hold booleans"):
        sampling.receptive_field(GRAPH, np.ones(23), 2)
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        sampling.draw_layers(jax.random.key(0), GRAPH, start, 2, 0)
    with pytest.raises(ValueError, match="n must be at most the number of nodes, 23, got 24"):
        sampling.sample_neighbours(np.ones((23, 23)), GRAPH, 24)
    with pytest.raises(ValueError, match="priorities must be free of NaN, got nan"):
        sampling.choose(np.full(23, np.nan), start, 1)
    with pytest.raises(ValueError, match="priorities must be free of NaN"):
        sampling.sample_layers(np.full((2, 23), np.nan), GRAPH, start, 1)
