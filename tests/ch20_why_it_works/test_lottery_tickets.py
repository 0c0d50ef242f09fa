import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from udl_jax.ch20_why_it_works import lottery_tickets as lottery
from udl_jax.ch20_why_it_works import pruning
from udl_jax.ch20_why_it_works import sparse_network as sparse
from udl_jax.data.full_scale import load_full_scale
from udl_jax.data.mnist1d import load_mnist1d

SHORT = sparse.Settings(
    hidden=12, sparsities=(0.0, 0.3, 0.31, 0.8, 1.0), updates=21, every=10, prune_at=10, batch=40
)
KEYS = jax.random.split(jax.random.key(0), 2)


@pytest.fixture(scope="module")
def data():
    return load_mnist1d(num_samples=300)


@pytest.fixture(scope="module")
def tickets(data):
    return lottery.find_tickets(KEYS, data, SHORT)


def same(ours, theirs):
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


def test_each_round_drops_what_the_fraction_says_layer_by_layer(tickets):
    for number, fraction in enumerate(SHORT.sparsities):
        for layer in lottery.masks_of(tickets, number).values():
            gone = sum((~np.asarray(leaf)).reshape(2, -1).sum(axis=1) for leaf in layer.values())
            size = sum(leaf[0].size for leaf in layer.values())
            assert gone.tolist() == [int(fraction * size)] * 2


def test_a_round_is_the_mask_of_the_round_before_and_a_retraining(data, tickets):
    one = jax.tree.map(lambda leaf: leaf[0], tickets.initial)
    examples = lottery.split(data)
    before = sparse.retrain(one, jax.tree.map(lambda m: m[0], lottery.masks_of(tickets, 0)), *examples, SHORT)
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(before.kept[name])) for name in sorted(before.kept)]
    counts = jnp.array([pruning.count_dropped(size, 0.3) for size in sizes])
    masks = pruning.layer_masks(jax.tree.map(jnp.abs, before.kept), counts)
    same(masks, jax.tree.map(lambda m: m[0], lottery.masks_of(tickets, 1)))
    after = sparse.retrain(one, masks, *examples, SHORT)
    np.testing.assert_allclose(tickets.batch_loss[0, 1], after.batch_loss, rtol=1e-3)


def test_several_networks_are_each_alone(data, tickets):
    alone = lottery.find_tickets(KEYS[1], data, SHORT)
    np.testing.assert_allclose(tickets.history.test.loss[1, :2], alone.history.test.loss[:2], rtol=1e-3)
    assert alone.batch_loss.shape == (5, 21)
    assert tickets.batch_loss.shape == (2, 5, 21)


def test_all_pruned_is_chance_and_no_sparsity_is_dense(tickets):
    np.testing.assert_allclose(tickets.history.test.loss[:, -1], np.log(10), rtol=1e-5)
    assert all(m.all() for m in jax.tree.leaves(lottery.masks_of(tickets, 0)))
    assert tickets.failed_at == (-1, -1)


def test_rounds_and_second_searches_compile_nothing_new(data, tickets):
    before = lottery._round._cache_size()
    lottery.find_tickets(KEYS[::-1], data, SHORT)
    assert lottery._round._cache_size() == before
    chex.assert_tree_all_finite(tickets.batch_loss)


def test_a_killed_search_goes_on_to_the_identical_result(data, tickets, tmp_path, monkeypatch):
    real, calls = lottery._round, []

    def killed(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(lottery, "_round", killed)
    with pytest.raises(KeyboardInterrupt):
        lottery.find_tickets(KEYS, data, SHORT, directory=tmp_path)
    monkeypatch.setattr(lottery, "_round", lambda *a: calls.append(1) or real(*a))
    same(lottery.find_tickets(KEYS, data, SHORT, directory=tmp_path), tickets)
    assert len(calls) == 6  # two rounds, the one that was killed, and the three that were left
    same(lottery.find_tickets(KEYS, data, SHORT, directory=tmp_path), tickets)
    assert len(calls) == 6
    with pytest.raises(ValueError, match="holds results of another computation"):
        lottery.find_tickets(KEYS, data, dataclasses.replace(SHORT, rate=0.01), directory=tmp_path)


def test_a_loss_that_is_not_finite_is_told_and_what_was_before_is_kept(data, tickets, monkeypatch):
    real = lottery._round

    def spoiled(settings, several, initial, weights, dropped_at, counts, number, *examples):
        at, found = real(settings, several, initial, weights, dropped_at, counts, number, *examples)
        if number == 2:
            found = found._replace(batch_loss=found.batch_loss.at[1, 7].set(jnp.nan))
        return at, found

    monkeypatch.setattr(lottery, "_round", spoiled)
    found = lottery.find_tickets(KEYS, data, SHORT)
    assert found.failed_at == (2, 7)
    same(found.batch_loss[:, :2], tickets.batch_loss[:, :2])
    assert np.isnan(found.batch_loss[:, 3:]).all()
    assert np.isnan(found.history.test.loss[:, 3:]).all()


def test_controls_have_as_many_parameters_as_the_ticket(data, tickets):
    controls = lottery.train_controls(KEYS, tickets, (0, 3, 4), data, SHORT)
    for control in controls:
        assert control.test.loss.shape == (3, 2, 3)
        np.testing.assert_allclose(control.test.loss[2], np.log(10), rtol=1e-5)  # nothing is left
    # Without pruning a random mask is no mask, so the training is the ticket's; new weights are new.
    np.testing.assert_allclose(controls.random_masks.test.loss[0], tickets.history.test.loss[:, 0], rtol=1e-3)
    assert np.abs(controls.new_weights.test.loss[0] - tickets.history.test.loss[:, 0]).min() > 1e-4
    assert np.abs(controls.random_masks.test.loss[1] - tickets.history.test.loss[:, 3]).min() > 1e-4


def test_what_does_not_fit_is_told(data, tickets):
    with pytest.raises(ValueError, match=r"keys must be one for each seed of the tickets, \(2,\)"):
        lottery.train_controls(KEYS[:1], tickets, (0,), data, SHORT)
    with pytest.raises(ValueError, match=r"number must be that of a round, 0\.\.4, got 5"):
        lottery.masks_of(tickets, 5)
    with pytest.raises(ValueError, match="training data are empty"):
        lottery.prune_and_retrain(
            tickets.initial, data._replace(x_train=data.x_train[:0], y_train=data.y_train[:0]), SHORT
        )
    with pytest.raises(TypeError, match="prune_and_retrain cannot run under jit"):
        jax.jit(lambda p: lottery.prune_and_retrain(p, data, SHORT))(tickets.initial)


def test_what_is_recorded_says_how_far_it_goes():
    found = load_full_scale("lottery_tickets")
    rounds = len(found["sparsities"])
    np.testing.assert_allclose(found["sparsities"], sparse.BOOK.sparsities[:rounds], atol=1e-6)
    for name in ("train_loss", "train_error", "test_loss", "test_error"):
        assert found[name].shape == (len(found["seeds"]), rounds)
    assert f"first {rounds} of 100" in found["provenance"]["run"] or rounds == 100
