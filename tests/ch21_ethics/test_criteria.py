import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch21_ethics import bias_mitigation, criteria, policies

EXAMPLE = bias_mitigation.loan_example(np.arange(-4, 4, 0.02))
RNG = np.random.default_rng(2)
SLOPE = np.linspace(0.2, 3, 25)
OTHER = (
    (RNG.exponential(size=(3, 25)) * SLOPE[::-1]).astype(np.single),
    (RNG.exponential(size=(3, 25)) * SLOPE).astype(np.single),
)
#: What each criterion makes equal in all groups.
EQUAL = {
    criteria.demographic_parity: ("rate",),
    criteria.equal_opportunity: ("true_positives",),
    criteria.equal_odds: ("true_positives", "false_alarms"),
    criteria.predictive_parity: ("precision",),
}


@pytest.mark.parametrize("people", [EXAMPLE, OTHER], ids=["example", "other"])
@pytest.mark.parametrize("criterion", EQUAL, ids=lambda criterion: criterion.__name__)
def test_each_criterion_is_met_exactly(criterion, people):
    for level in (0.8, 0.85):
        grants = criterion(*people, level)
        assert np.all((grants >= 0) & (grants <= 1))
        told = policies.outcomes(*people, grants)
        for name in EQUAL[criterion]:
            np.testing.assert_allclose(getattr(told, name), getattr(told, name)[0], rtol=1e-4)
        measured = getattr(told, EQUAL[criterion][-1])
        np.testing.assert_allclose(measured, level, rtol=1e-4)


def test_no_two_criteria_are_met_at_once():
    """Where groups differ, who meets one criterion misses the others."""
    for criterion, equal in EQUAL.items():
        told = policies.outcomes(*EXAMPLE, criterion(*EXAMPLE, 0.8))
        for name in ("rate", "precision", "true_positives"):
            if name not in equal:
                assert np.ptp(getattr(told, name)) > 0.02


def test_equal_thresholds_are_blind():
    grants = np.asarray(criteria.equal_thresholds(*EXAMPLE, 0.4))
    np.testing.assert_array_equal(grants[0], grants[1])
    everybody = np.sum(EXAMPLE[0] + EXAMPLE[1], axis=0)
    assert np.sum(grants[0] * everybody) / np.sum(everybody) == pytest.approx(0.4, rel=1e-4)


def test_equal_odds_leave_the_worst_group_as_it_is():
    grants = criteria.equal_odds(*EXAMPLE, 0.2)
    alone = policies.grant_share(EXAMPLE[0][1], 0.2)
    np.testing.assert_allclose(grants[1], alone, atol=1e-4)
    lots = (grants[0] > 1e-3) & (grants[0] < 1 - 1e-3)
    assert lots.mean() > 0.99  # the other one draws lots at every score


def test_equal_odds_at_both_ends():
    np.testing.assert_allclose(criteria.equal_odds(*OTHER, 1.0), 1, atol=1e-5)
    nobody = policies.outcomes(*OTHER, criteria.equal_odds(*OTHER, 0.0))
    np.testing.assert_allclose(nobody.false_alarms, 0, atol=1e-6)
    same = jnp.ones((2, 5))
    np.testing.assert_allclose(
        policies.outcomes(same, same, criteria.equal_odds(same, same, 0.3)).rate, 0.3, rtol=1e-5
    )


def test_own_best_is_the_best_of_all_thresholds():
    grants = np.asarray(criteria.own_best(*OTHER, gain=1.0, loss=2.0))
    worth = OTHER[1] - 2 * OTHER[0]
    for group in range(3):
        assert set(grants[group]) <= {0, 1}
        assert np.all(np.diff(grants[group]) >= 0)
        best = max(worth[group, cut:].sum() for cut in range(26))
        assert np.sum(grants[group] * worth[group]) == pytest.approx(best, rel=1e-4, abs=1e-5)
    assert not np.any(criteria.own_best(*OTHER, gain=0.0, loss=1.0))


def test_fairness_has_a_price():
    """Nothing earns more than each group's own best threshold; the numbers are those of the page."""
    best = policies.outcomes(*EXAMPLE, criteria.own_best(*EXAMPLE)).profit
    levels = jnp.linspace(0.01, 0.99, 99)
    found = {}
    for criterion in (criteria.equal_thresholds, *EQUAL):
        few = jnp.linspace(0.65, 0.95, 61) if criterion is criteria.predictive_parity else levels
        best_of_all = jax.jit(policies.most_profitable, static_argnums=0)(criterion, few, *EXAMPLE)
        found[criterion.__name__] = float(best_of_all.profit)
    assert max(found.values()) <= best + 1e-3
    order = sorted(found, key=found.get)
    expected = [
        "equal_odds",
        "equal_thresholds",
        "equal_opportunity",
        "demographic_parity",
        "predictive_parity",
    ]
    assert order == expected


def test_predictive_parity_grants_as_many_as_the_level_allows():
    grants = criteria.predictive_parity(*OTHER, 0.8)
    more = np.minimum(np.asarray(grants) + (np.asarray(grants).cumsum(axis=1) == 0), 1)
    assert np.all(policies.outcomes(*OTHER, more).precision < 0.8)


@pytest.mark.parametrize(
    "criterion", [criteria.equal_thresholds, *EQUAL], ids=lambda criterion: criterion.__name__
)
def test_works_under_jit_and_keeps_the_precision(criterion):
    np.testing.assert_allclose(jax.jit(criterion)(*OTHER, 0.8), criterion(*OTHER, 0.8), atol=1e-5)
    assert criterion(*OTHER, 0.8).dtype == np.single
    with jax.enable_x64(True):
        assert criterion(*(people.astype(np.double) for people in OTHER), 0.8).dtype == np.double


@pytest.mark.parametrize(
    "criterion", [criteria.equal_thresholds, *EQUAL], ids=lambda criterion: criterion.__name__
)
def test_bad_input_is_told(criterion):
    defaulted, repaid = OTHER
    with pytest.raises(ValueError, match="must be a share"):
        criterion(defaulted, repaid, 1.2)
    with pytest.raises(ValueError, match="defaulted must be finite and at least 0"):
        criterion(-defaulted, repaid, 0.8)
    with pytest.raises(ValueError, match="repaid must not hold an empty group"):
        criterion(defaulted, 0 * repaid, 0.8)
    with pytest.raises(ValueError, match=r"repaid must have the shape \(groups, scores\), where groups is 3"):
        criterion(defaulted, repaid[:2], 0.8)


def test_precisions_that_a_group_cannot_have_are_told():
    with pytest.raises(
        ValueError, match=r"level must be one that each group can have; group 1 has none with 0.5"
    ):
        criteria.predictive_parity(*EXAMPLE, 0.5)  # of the yellow group 62 % repay
    with pytest.raises(ValueError, match="level must be one that each group can have; group 0 has none"):
        criteria.predictive_parity([[1.0, 1.0]], [[1.0, 2.0]], 0.9)
