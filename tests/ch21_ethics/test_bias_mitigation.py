import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch21_ethics import bias_mitigation as loans

SCORES = np.arange(-4, 4, 0.01)
RNG = np.random.default_rng(0)
PLACES = np.sort(RNG.normal(size=40)).astype(np.single)
PEOPLE = RNG.exponential(size=(2, 40)).astype(np.single)


def test_all_thresholds_at_once_are_the_sums_one_by_one():
    cuts = np.concatenate([PLACES, RNG.normal(size=30).astype(np.single), [-9, 9]])
    one_by_one = [PEOPLE[0][cut < PLACES].sum() / PEOPLE[0].sum() for cut in cuts]
    np.testing.assert_allclose(loans.rate_above(PLACES, PEOPLE[0], cuts), one_by_one, rtol=1e-5, atol=1e-7)


def test_a_score_equal_to_the_threshold_is_not_above_it():
    assert loans.rate_above([0.0, 1.0], [1.0, 3.0], 1.0) == 0
    assert loans.rate_above([0.0, 1.0], [1.0, 3.0], 0.0) == 0.75
    assert loans.rate_above([0.0, 1.0], [1.0, 3.0], -1.0) == 1
    assert loans.rate_above(SCORES, np.ones(800), 0.0) == pytest.approx(
        399 / 800
    )  # "0" on the grid is -8.5e-14


def test_the_example_has_the_numbers_of_the_notebook():
    defaulted, repaid = loans.loan_example(SCORES)
    sums = np.stack([defaulted.sum(1), repaid.sum(1)]) * 0.01
    np.testing.assert_allclose(sums, [[800, 400], [500, 650]], rtol=0.01)
    above = jax.vmap(loans.rate_above, in_axes=(None, 0, 0))
    everybody = defaulted + repaid
    np.testing.assert_allclose(above(SCORES, everybody, np.zeros(2)), [0.278, 0.684], atol=6e-4)
    find = jax.vmap(loans.threshold_for_rate, in_axes=(None, 0, None))
    parity, opportunity = find(SCORES, everybody, 0.6), find(SCORES, repaid, 0.8)
    np.testing.assert_allclose(parity, [-1.66, 0.24], atol=1e-6)
    np.testing.assert_allclose(above(SCORES, repaid, parity), [0.952, 0.759], atol=6e-4)
    np.testing.assert_allclose(opportunity, [-0.40, 0.05], atol=1e-6)
    np.testing.assert_allclose(above(SCORES, everybody, opportunity), [0.339, 0.666], atol=6e-4)
    curves = jax.vmap(loans.roc)(defaulted, repaid)
    np.testing.assert_allclose(jax.vmap(loans.auc)(curves), [0.941, 0.783], atol=6e-4)


def test_equal_true_positives_are_no_equal_default_rates():
    """The notebook says that a fifth of those who are granted the loan default in both groups."""
    defaulted, repaid = loans.loan_example(SCORES)
    above = np.array([[-0.40], [0.05]]) + 1e-9 < SCORES
    bad, good = (np.sum(people * above, axis=1) for people in (defaulted, repaid))
    np.testing.assert_allclose(good / repaid.sum(1), 0.8, atol=2e-3)
    np.testing.assert_allclose(bad / (bad + good), [0.091, 0.258], atol=6e-4)


def test_curves_do_not_cross_where_it_matters():
    curves = jax.vmap(loans.roc)(*loans.loan_example(SCORES))
    alarms = np.linspace(0.01, 0.99, 99)
    blue, yellow = (np.interp(alarms, *(part[k][::-1] for part in curves)) for k in range(2))
    assert (blue - yellow).min() >= 0.0209


def test_area_is_the_chance_that_who_repays_has_the_higher_score():
    defaulted, repaid = PEOPLE / PEOPLE.sum(1, keepdims=True)
    chance = sum(repaid[k] * (defaulted[:k].sum() + defaulted[k] / 2) for k in range(40))
    assert loans.auc(loans.roc(defaulted, repaid)) == pytest.approx(chance, rel=1e-5)
    assert loans.auc(loans.roc(PEOPLE[0], PEOPLE[0])) == pytest.approx(0.5, rel=1e-5)
    assert loans.auc(loans.roc([1.0, 0.0], [0.0, 2.0])) == 1


def test_curve_falls_from_one_to_nothing():
    for part in loans.roc(*PEOPLE):
        assert part.shape == (41,)
        assert part[0] == 1
        assert part[-1] == 0
        assert np.all(np.diff(part) <= 0)


def test_bisection_finds_the_nearest_threshold_of_all():
    rates = np.array([0.0, 0.03, 0.2, 0.5, 0.77, 0.999, 1.0], np.single)
    found = loans.threshold_for_rate(PLACES, PEOPLE[0], rates)
    every = np.asarray(loans.rate_above(PLACES, PEOPLE[0], PLACES))
    best = np.abs(every[:, None] - rates).min(axis=0)
    reached = np.asarray(loans.rate_above(PLACES, PEOPLE[0], found))
    np.testing.assert_allclose(np.abs(reached - rates), best, atol=1e-7)
    assert np.isin(found, PLACES).all()
    assert loans.threshold_for_rate([2.0], [5.0], 0.7) == 2


def test_frequencies_add_up_to_the_weight():
    found = loans.frequencies(np.arange(-20, 20, 0.01), 70.0, [0.0, 1.0], [1.0, 2.0], [0.25, 0.75])
    assert found.sum() * 0.01 == pytest.approx(70, rel=1e-4)


def test_precision_is_kept():
    for dtype in (np.single, np.half):
        assert loans.rate_above(PLACES.astype(dtype), PEOPLE[0].astype(dtype), 0.1).dtype == dtype
        assert loans.roc(*PEOPLE.astype(dtype)).false_alarms.dtype == dtype
    with jax.enable_x64(True):
        defaulted, repaid = loans.loan_example(SCORES)
        assert defaulted.dtype == repaid.dtype == np.double
        assert loans.threshold_for_rate(SCORES, repaid[0], 0.8).dtype == np.double


def test_works_under_jit_and_vmap():
    rates = jnp.array([0.2, 0.6])
    one_by_one = [loans.threshold_for_rate(PLACES, people, rates) for people in PEOPLE]
    together = jax.jit(jax.vmap(loans.threshold_for_rate, in_axes=(None, 0, None)))(PLACES, PEOPLE, rates)
    np.testing.assert_array_equal(together, one_by_one)


@pytest.mark.parametrize(
    "call",
    [
        lambda people: loans.rate_above(PLACES[:4], people, 0.0),
        lambda people: loans.threshold_for_rate(PLACES[:4], people, 0.5),
    ],
)
def test_bad_frequencies_are_told(call):
    with pytest.raises(ValueError, match=r"frequencies must be finite and at least 0, got -1.0"):
        call([1.0, 2.0, -1.0, 0.0])
    with pytest.raises(ValueError, match="frequencies must be finite and at least 0, got nan"):
        call([1.0, 2.0, np.nan, 0.0])
    with pytest.raises(ValueError, match="frequencies must not hold an empty group"):
        call(np.zeros(4))
    with pytest.raises(
        ValueError, match=r"frequencies must have the shape \(scores\), where scores is 4 as in scores"
    ):
        call(np.ones(5))


@pytest.mark.parametrize("scores", [[0.0, 1.0, 1.0], [2.0, 1.0, 0.0], [0.0, np.nan, 1.0], [0.0, 1.0, np.inf]])
def test_grids_that_do_not_rise_are_told(scores):
    with pytest.raises(ValueError, match="scores must be finite and rising"):
        loans.rate_above(scores, np.ones(3), 0.0)
    with pytest.raises(ValueError, match="scores must be finite and rising"):
        loans.threshold_for_rate(scores, np.ones(3), 0.5)


def test_other_bad_input_is_told():
    with pytest.raises(ValueError, match=r"rate must be a share from 0 to 1, got 1.5"):
        loans.threshold_for_rate(PLACES, PEOPLE[0], [0.5, 1.5])
    with pytest.raises(ValueError, match="scores must not be empty"):
        loans.rate_above([], [], 0.0)
    with pytest.raises(ValueError, match="defaulted must not hold an empty group"):
        loans.roc(np.zeros(40), PEOPLE[1])
    with pytest.raises(ValueError, match="repaid must be finite and at least 0"):
        loans.roc(PEOPLE[0], -PEOPLE[1])
    with pytest.raises(ValueError, match="weight must be positive"):
        loans.frequencies(PLACES, 0.0, [0.0], [1.0], [1.0])
    with pytest.raises(ValueError, match="deviations must be positive"):
        loans.frequencies(PLACES, 1.0, [0.0], [0.0], [1.0])
    with pytest.raises(ValueError, match="proportions must be at least 0"):
        loans.frequencies(PLACES, 1.0, [0.0], [1.0], [-1.0])
