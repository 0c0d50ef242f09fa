import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance

from udl_jax.ch15_gans import wasserstein

GENERATOR = np.random.default_rng(0)
P, Q = GENERATOR.dirichlet(np.full(8, 0.5), 2).astype(np.float32)
PLACES = np.sort(GENERATOR.uniform(-3, 5, 8)).astype(np.float32)
DOUBLE = np.random.default_rng(1).dirichlet(np.full(9, 0.4), (200, 3))


def test_distance_plan_dual_and_linear_programme_are_one():
    places = np.linspace(0, 1, 9)
    with jax.enable_x64(True):
        cost, sums = wasserstein.distance_matrix(places), wasserstein.constraint_matrix(9, 9)
        for p, q, _ in DOUBLE[:5]:
            ours = wasserstein.distance_1d(p, q)
            f = wasserstein.dual_potential(p, q)
            plan = wasserstein.monotone_plan(p, q)
            best = linprog(cost.ravel(), A_eq=sums, b_eq=np.append(p, q)).fun
            others = [p @ f - q @ f, jnp.sum(plan * cost), best]
            np.testing.assert_allclose(others, ours, atol=1e-12)


def test_distance_is_scipys_at_uneven_places():
    expected = wasserstein_distance(PLACES, PLACES, P, Q)
    np.testing.assert_allclose(wasserstein.distance_1d(P, Q, PLACES), expected, rtol=1e-5)


def test_distance_is_a_metric():
    with jax.enable_x64(True):
        measure = jax.jit(jax.vmap(wasserstein.distance_1d))
        p, q, r = DOUBLE.transpose(1, 0, 2)
        there, back, first, second = measure(p, q), measure(q, p), measure(p, r), measure(r, q)
        np.testing.assert_allclose(there, back, atol=1e-15)
        assert (there <= first + second + 1e-15).all()
        assert (there > 0).all()
        assert (measure(p, p) == 0).all()


def test_points_are_as_far_apart_as_their_places():
    ends = np.eye(8, dtype=np.float32)
    np.testing.assert_allclose(
        wasserstein.distance_1d(ends[2], ends[5], PLACES), PLACES[5] - PLACES[2], rtol=1e-6
    )
    assert wasserstein.distance_1d(np.ones(1), np.ones(1)) == 0


@pytest.mark.parametrize(("n", "m"), [(1, 5), (9, 9), (7, 12)])
def test_plans_have_the_sums_they_should_and_do_not_cross(n, m):
    generator = np.random.default_rng(n)
    with jax.enable_x64(True):
        p, q = generator.dirichlet(np.ones(n)), generator.dirichlet(np.ones(m))
        plan = np.asarray(wasserstein.monotone_plan(p, q))
    np.testing.assert_allclose(plan.sum(1), p, atol=1e-12)
    np.testing.assert_allclose(plan.sum(0), q, atol=1e-12)
    assert (plan >= 0).all()
    rows, columns = np.nonzero(plan > 1e-14)
    assert (np.diff(columns) >= 0).all()
    assert len(rows) <= n + m - 1


def test_constraints_give_row_and_column_sums():
    plan = GENERATOR.uniform(size=(3, 5)).astype(np.float32)
    sums = wasserstein.constraint_matrix(3, 5) @ plan.ravel()
    np.testing.assert_allclose(sums, np.append(plan.sum(1), plan.sum(0)), rtol=1e-6)
    assert np.linalg.matrix_rank(wasserstein.constraint_matrix(3, 5)) == 7


def test_potential_is_never_steeper_than_one():
    f = wasserstein.dual_potential(P, Q, PLACES)
    assert (np.abs(np.diff(f) / np.diff(PLACES)) <= 1 + 1e-5).all()


def test_gradient_of_the_distance_is_the_potential():
    """The envelope theorem: moving probability about changes the distance as the dual's optimum says."""
    gradient = jax.grad(wasserstein.distance_1d)(P, Q, PLACES)
    f = wasserstein.dual_potential(P, Q, PLACES)
    np.testing.assert_allclose(gradient - gradient[0], f - f[0], atol=1e-5)
    assert np.isfinite(jax.grad(wasserstein.distance_1d)(P, P, PLACES)).all()


def test_samples_are_matched_by_rank():
    x, y = GENERATOR.normal(size=(2, 400)).astype(np.float32)
    np.testing.assert_allclose(wasserstein.sample_distance(x, y), wasserstein_distance(x, y), rtol=1e-5)
    np.testing.assert_allclose(wasserstein.sample_distance(x, x[::-1] + 3), 3, rtol=1e-6)


def test_sliced_distance_sees_a_shift_along_it_only_and_forgets_the_length_of_directions():
    x = GENERATOR.normal(size=(50, 3)).astype(np.float32)
    moved = x + np.array([0, 2, 0], np.float32)
    directions = np.array([[1, 0, 0], [0, 7, 0]], np.float32)
    np.testing.assert_allclose(wasserstein.sliced_distance(x, moved, directions), 1, rtol=1e-5)
    assert wasserstein.sliced_distance(x, x[::-1], directions) == 0


def test_functions_keep_the_dtype():
    with jax.enable_x64(True):
        for dtype in ("float32", "float64"):
            p = np.full(4, 0.25, dtype)
            places = np.arange(4).astype(dtype)
            assert wasserstein.distance_1d(p, p).dtype == dtype
            assert wasserstein.distance_1d(p, p, places).dtype == dtype
            assert wasserstein.dual_potential(p, p).dtype == dtype
            assert wasserstein.monotone_plan(p, p).dtype == dtype
            assert wasserstein.distance_matrix(places).dtype == dtype
            assert wasserstein.constraint_matrix(2, 2, dtype).dtype == dtype


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wasserstein.distance_1d(P * 2, Q), "p must sum to 1, got 2"),
        (
            lambda: wasserstein.distance_1d(P, Q[:4] / Q[:4].sum()),
            r"q must have the shape \(bins\), where bins is 8 as in p, got \(4,\)",
        ),
        (lambda: wasserstein.distance_1d(P, Q, PLACES[::-1]), "positions must be rising from bin to bin"),
        (lambda: wasserstein.distance_1d(P, Q, PLACES * 0), "positions must be rising from bin to bin"),
        (
            lambda: wasserstein.dual_potential(P, Q, PLACES * np.nan),
            "positions must be rising from bin to bin",
        ),
        (
            lambda: wasserstein.distance_1d(P, Q, PLACES[:5]),
            r"positions must have the shape \(bins\), where bins is 8 as in p, got \(5,\)",
        ),
        (lambda: wasserstein.monotone_plan(P, -Q), "q must be probabilities"),
        (lambda: wasserstein.constraint_matrix(0, 3), "rows must be at least 1, got 0"),
        (
            lambda: wasserstein.sample_distance(P, Q[:5]),
            r"y must have the shape \(samples\), where samples is 8 as in x, got \(5,\)",
        ),
        (lambda: wasserstein.sample_distance(P[:0], Q[:0]), r"x must not be empty, got the shape \(0,\)"),
        (
            lambda: wasserstein.sliced_distance(np.ones((3, 2)), np.ones((3, 2)), np.ones((5, 3))),
            r"directions must have the shape \(directions, dimensions\), where .* dimensions is 2 as in x, got \(5, 3\)",
        ),
        (
            lambda: wasserstein.sliced_distance(np.ones((3, 2)), np.ones((3, 2)), np.eye(2) * [1, 0]),
            "directions must be different from zero",
        ),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
