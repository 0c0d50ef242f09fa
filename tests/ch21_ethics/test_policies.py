import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch21_ethics import policies

RNG = np.random.default_rng(1)
DEFAULTED, REPAID = RNG.exponential(size=(2, 3, 20)).astype(np.single)


def test_outcomes_are_sums_over_people():
    grants = RNG.random((3, 20)).astype(np.single)
    told = policies.outcomes(DEFAULTED, REPAID, grants, gain=2.0, loss=5.0)
    good, bad = (grants * REPAID).sum(1), (grants * DEFAULTED).sum(1)
    everybody = DEFAULTED.sum() + REPAID.sum()
    np.testing.assert_allclose(told.rate, (good + bad) / (DEFAULTED + REPAID).sum(1), rtol=1e-5)
    np.testing.assert_allclose(told.true_positives, good / REPAID.sum(1), rtol=1e-5)
    np.testing.assert_allclose(told.false_alarms, bad / DEFAULTED.sum(1), rtol=1e-5)
    np.testing.assert_allclose(told.precision, good / (good + bad), rtol=1e-5)
    assert told.accuracy == pytest.approx((good.sum() + (DEFAULTED.sum(1) - bad).sum()) / everybody, rel=1e-5)
    assert told.profit == pytest.approx((2 * good - 5 * bad).sum() / everybody, rel=1e-4)


def test_who_grants_nothing_has_no_precision_and_no_profit():
    told = policies.outcomes(DEFAULTED, REPAID, np.zeros((3, 20)))
    assert np.isnan(told.precision).all()
    assert told.profit == 0
    assert told.accuracy == pytest.approx(DEFAULTED.sum() / (DEFAULTED.sum() + REPAID.sum()), rel=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.999, 1.0])
def test_shares_are_met_exactly_from_above(share):
    grants = np.asarray(policies.grant_share(REPAID, share))
    np.testing.assert_allclose((grants * REPAID).sum(1) / REPAID.sum(1), share, atol=1e-6)
    assert np.all(np.diff(grants, axis=1) >= -1e-6)
    assert np.all(((grants > 1e-5) & (grants < 1 - 1e-5)).sum(axis=1) <= 1)


def test_scores_that_nobody_has_do_no_harm():
    people = np.array([2.0, 0.0, 4.0, 0.0])
    np.testing.assert_allclose(np.sum(policies.grant_share(people, 0.8) * people), 0.8 * 6, rtol=1e-6)


def test_derivative_by_the_share():
    slope = jax.grad(lambda share: jnp.sum(policies.grant_share(REPAID[0], share)))(0.37)
    at = [jnp.sum(policies.grant_share(REPAID[0], share)) for share in (0.369, 0.371)]
    assert slope == pytest.approx(float(at[1] - at[0]) / 0.002, rel=1e-2)


def test_most_profitable_tries_all():
    def same_share(defaulted, repaid, level):
        return policies.grant_share(defaulted + repaid, level)

    levels = np.linspace(0.05, 1, 20, dtype=np.single)
    profits = [policies.outcomes(DEFAULTED, REPAID, same_share(DEFAULTED, REPAID, v)).profit for v in levels]
    level, grants, profit = policies.most_profitable(same_share, levels, DEFAULTED, REPAID)
    assert level == levels[np.argmax(profits)]
    assert profit == pytest.approx(float(max(profits)), rel=1e-5)
    assert policies.outcomes(DEFAULTED, REPAID, grants).profit == pytest.approx(float(profit), rel=1e-5)
    generous = policies.most_profitable(same_share, levels, DEFAULTED, REPAID, gain=1.0, loss=0.0)
    assert generous.level == 1


def test_precision_is_kept_also_under_jit():
    assert jax.jit(policies.grant_share)(REPAID, 0.3).dtype == np.single
    with jax.enable_x64(True):
        double = REPAID.astype(np.double)
        told = policies.outcomes(double, double, policies.grant_share(double, 0.3))
        assert {part.dtype for part in told} == {np.dtype(np.double)}


def test_bad_input_is_told():
    grants = np.ones((3, 20))
    with pytest.raises(ValueError, match=r"grants must be a share from 0 to 1, got 2.0"):
        policies.outcomes(DEFAULTED, REPAID, 2 * grants)
    with pytest.raises(ValueError, match=r"grants must have the shape \(groups, scores\)"):
        policies.outcomes(DEFAULTED, REPAID, grants[:2])
    with pytest.raises(ValueError, match="defaulted must be finite and at least 0"):
        policies.outcomes(-DEFAULTED, REPAID, grants)
    with pytest.raises(ValueError, match="repaid must not hold an empty group"):
        policies.outcomes(DEFAULTED, REPAID * np.array([[1], [0], [1]]), grants)
    with pytest.raises(ValueError, match="gain must be finite"):
        policies.outcomes(DEFAULTED, REPAID, grants, gain=np.inf)
    with pytest.raises(ValueError, match=r"share must be a share from 0 to 1, got -0.1"):
        policies.grant_share(REPAID, -0.1)
    with pytest.raises(ValueError, match="people must not hold an empty group"):
        policies.grant_share(np.zeros(3), 0.1)
