"""Notebook 21.1: bias mitigation."""

import jax
import jax.numpy as jnp
import pytest

from udl_jax.ch21_ethics import bias_mitigation, policies


def groups(reference):
    book = reference("21_1")
    return book, book["scores"], *bias_mitigation.loan_example(book["scores"])


def test_frequencies(reference, agrees):
    book, _, defaulted, repaid = groups(reference)
    agrees(
        defaulted, book["defaulted"], kind="value", quantity="frequencies of those who default, both groups"
    )
    agrees(repaid, book["repaid"], kind="value", quantity="frequencies of those who repay, both groups")


@pytest.mark.parametrize(
    ("name", "thresholds", "told"),
    [
        ("blind", (0.0, 0.0), "threshold 0 for both"),
        ("parity_guess", (0.3, -0.1), "the thresholds 0.3 and -0.1"),
    ],
)
def test_rates(reference, agrees, name, thresholds, told):
    book, scores, defaulted, repaid = groups(reference)
    rates = jax.vmap(bias_mitigation.rate_above, in_axes=(None, 0, 0))(
        scores, defaulted + repaid, jnp.array(thresholds)
    )
    agrees(rates, book[name], kind="value", quantity=f"shares that are granted the loan at {told}")


def test_curves(reference, agrees):
    book, _, defaulted, repaid = groups(reference)
    ours = jax.vmap(bias_mitigation.roc)(defaulted, repaid)
    agrees(
        ours.false_alarms[:, 1:],
        book["false_alarms"],
        kind="value",
        quantity="false alarms at 800 thresholds",
    )
    agrees(
        ours.true_positives[:, 1:],
        book["true_positives"],
        kind="value",
        quantity="true positives at 800 thresholds",
    )


@pytest.mark.parametrize("who", ["everybody", "repaid"])
def test_thresholds(reference, agrees, who):
    book, scores, defaulted, repaid = groups(reference)
    people = defaulted + repaid if who == "everybody" else repaid
    found = jax.vmap(bias_mitigation.threshold_for_rate, in_axes=(None, 0, None))(
        scores, people, book["thresholds/rates"]
    )
    agrees(found, book[f"thresholds/{who}"], kind="value", quantity=f"thresholds for 19 rates of {who}")


def test_equal_opportunity(reference, agrees):
    book, scores, defaulted, repaid = groups(reference)
    thresholds = jax.vmap(bias_mitigation.threshold_for_rate, in_axes=(None, 0, None))(scores, repaid, 0.8)
    agrees(
        thresholds,
        book["opportunity/thresholds"],
        kind="value",
        quantity="thresholds for true positives of 0.8",
    )
    told = policies.outcomes(defaulted, repaid, (scores > thresholds[:, None]).astype(float))
    agrees(
        told.rate, book["opportunity/rates"], kind="value", quantity="shares that are granted the loan there"
    )
    agrees(
        1 - told.precision,
        book["opportunity/default"],
        kind="value",
        quantity="shares of those granted the loan that default",
    )


def test_elsewhere(reference, agrees):
    book = reference("21_1").under("elsewhere")
    rates = bias_mitigation.rate_above(book["scores"], book["frequencies"], book["thresholds"])
    agrees(
        rates, book["rates"], kind="value", quantity="rates of another group, some thresholds equal to scores"
    )
