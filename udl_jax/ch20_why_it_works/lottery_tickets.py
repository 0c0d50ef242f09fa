"""Lottery tickets: prune the smallest weights of a trained network, put the others back to where they began, train again."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PyTree
from tqdm import tqdm

from udl_jax import _checks, training
from udl_jax._annotations import as_key
from udl_jax.ch08_performance.kept_results import KeptResults
from udl_jax.ch08_performance.mnist1d import split
from udl_jax.ch20_why_it_works import sparse_network
from udl_jax.ch20_why_it_works.pruning import count_dropped, layer_masks
from udl_jax.ch20_why_it_works.sparse_network import BOOK, Params, Settings, check_data
from udl_jax.data.mnist1d import Mnist1d


class Tickets(NamedTuple):
    """What all rounds of pruning and training gave, for one network or, along a leading axis, for several.

    Attributes
    ----------
    initial
        The parameters that each round starts from, before they are masked.
    dropped_at
        In which round each of them was dropped, and the number of rounds where it never was.
    batch_loss
        As in :class:`~udl_jax.ch20_why_it_works.sparse_network.Retrained`, with the axes (..., rounds, updates).
    history
        As in :class:`~udl_jax.ch20_why_it_works.sparse_network.Retrained`, with the axes (..., rounds, evaluations).
    failed_at
        Round and step, counted from 0, of the first loss that was not finite; (-1, -1) if all were. There the rounds end:
        later ones are NaN.
    """

    initial: PyTree[Float[Array, "..."]]
    dropped_at: PyTree[Int[np.ndarray, "..."]]
    batch_loss: Float[np.ndarray, "..."]
    history: training.History
    failed_at: tuple[int, int]


@functools.partial(jax.jit, static_argnums=(0, 1))
def _round(settings, several, initial, weights, dropped_at, counts, number, train_data, test_data):
    """Prune by ``weights``, and retrain; for several networks at once, if there are."""

    def one(initial, weights, dropped_at):
        # What was dropped before goes first, also where a surviving weight happens to be zero.
        before = jax.tree.map(lambda at: at < number, dropped_at)
        scores = jax.tree.map(lambda w, gone: jnp.where(gone, -1, jnp.abs(w)), weights, before)
        masks = layer_masks(scores, counts)
        dropped_at = jax.tree.map(
            lambda mask, gone, at: jnp.where(mask | gone, at, number), masks, before, dropped_at
        )
        return dropped_at, sparse_network.train_masked(settings, initial, masks, train_data, test_data)

    return (jax.vmap(one) if several else one)(initial, weights, dropped_at)


def prune_and_retrain(
    initial: Params,
    data: Mnist1d,
    settings: Settings = BOOK,
    *,
    directory: str | Path | None = None,
    progress: bool = False,
) -> Tickets:
    """Prune a little more in each round, set what survives back to ``initial``, and retrain: one compiled program.

    Rounds follow each other: each prunes by the weights of the one before, the first by the initial ones.

    Parameters
    ----------
    initial
        Parameters of :class:`~udl_jax.ch20_why_it_works.sparse_network.ResidualMlp`; of several networks along a leading axis.
    data
        From :func:`udl_jax.data.mnist1d.load_mnist1d`.
    settings
        Network, training and sparsities.
    directory
        Where the rounds done so far are kept. The same call, made again after the process was killed, goes on from the
        last one, to the identical result. None keeps nothing.
    progress
        Show a bar.

    Returns
    -------
    Tickets
        Losses and errors of all rounds, and when each parameter was dropped.

    Raises
    ------
    ValueError
        As :func:`~udl_jax.ch20_why_it_works.sparse_network.retrain`; also if ``directory`` has rounds of another computation.
    TypeError
        If it is being traced: it counts on the host, and may keep files.
    """
    _checks.refuse_traced("prune_and_retrain", (initial, data), "it counts what to drop, and may keep files")
    examples = split(data)
    check_data(*examples, settings)
    initial = jax.tree.map(jnp.asarray, dict(initial))
    several = jnp.ndim(initial["linear_0"]["bias"]) == 2
    rounds = len(settings.sparsities)
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(initial[name])) for name in sorted(initial)]
    sizes = [
        size // (len(initial[name]["bias"]) if several else 1) for name, size in zip(sorted(initial), sizes)
    ]
    counts = np.array([[count_dropped(size, s) for size in sizes] for s in settings.sparsities])

    kept = _Progress(directory, settings, initial, data)
    weights, dropped_at, results = kept.read()
    bar = tqdm(settings.sparsities, initial=len(results), unit="round", disable=not progress)
    for number in range(len(results), rounds):
        arguments = initial, weights, dropped_at, counts[number], np.int32(number), *examples
        dropped_at, found = _round(settings, several, *arguments)
        weights = found.kept
        results.append(jax.device_get((found.batch_loss, found.history)))
        kept.write(weights, dropped_at, results)
        bar.set_postfix(sparsity=f"{settings.sparsities[number]:.2f}")
        bar.update()
        if not np.isfinite(results[-1][0]).all():
            break
    return _collect(initial, dropped_at, results, rounds)


def find_tickets(
    key: Key[Array, ""] | Key[Array, " seeds"],
    data: Mnist1d,
    settings: Settings = BOOK,
    *,
    directory: str | Path | None = None,
    progress: bool = False,
) -> Tickets:
    """Draw initial parameters, for each key if there are several, and :func:`prune_and_retrain`."""
    initial = sparse_network.draw_initial(key, data, settings)
    return prune_and_retrain(initial, data, settings, directory=directory, progress=progress)


def masks_of(tickets: Tickets, number: int) -> dict[str, dict[str, Array]]:
    """Return the masks of one round.

    Raises
    ------
    ValueError
        If there is no such round.
    """
    if np.ndim(tickets.batch_loss) < 2:
        raise ValueError("tickets must hold the losses of rounds and updates along two axes, or more")
    rounds = tickets.batch_loss.shape[-2]
    if not 0 <= _checks.count("number", number, least=0) < rounds:
        raise ValueError(f"number must be that of a round, 0..{rounds - 1}, got {number}")
    return jax.tree.map(lambda at: jnp.asarray(at > number), tickets.dropped_at)


class Controls(NamedTuple):
    """Trainings that share the number of surviving parameters with tickets, and not more, along the axes (rounds, seeds).

    Attributes
    ----------
    random_masks
        The ticket's initial parameters, but as many of each layer at random places survive.
    new_weights
        The ticket's masks, but newly drawn initial parameters.
    """

    random_masks: training.History
    new_weights: training.History


def train_controls(
    keys: Key[Array, " seeds"],
    tickets: Tickets,
    rounds: Sequence[int],
    data: Mnist1d,
    settings: Settings = BOOK,
) -> Controls:
    """Train the two controls of Frankle and Carbin beside the tickets of some rounds, all at the same time.

    Parameters
    ----------
    keys
        One for each seed of the tickets; they decide the random masks and the new weights.
    tickets
        Of several seeds, from :func:`find_tickets` with the same data and settings.
    rounds
        Which of its rounds.
    data, settings
        As there.

    Returns
    -------
    Controls
        Losses and errors with the axes (rounds, seeds, evaluations).

    Raises
    ------
    ValueError
        If there is not one key for each seed, or a round does not exist.

    References
    ----------
    Frankle and Carbin (2019), "The lottery ticket hypothesis", section 2.
    """
    keys = as_key("keys", keys)
    seeds = tickets.batch_loss.shape[:-2]
    if keys.shape != seeds or not seeds:
        raise ValueError(
            f"keys must be one for each seed of the tickets, {seeds}, got the shape {keys.shape}"
        )
    train_data, test_data = split(data)
    check_data(train_data, test_data, settings)
    masks = [masks_of(tickets, number) for number in rounds]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *masks)
    arguments = keys, tickets.initial, stacked, train_data, test_data
    return jax.device_get(_train_controls(settings, *arguments))


@functools.partial(jax.jit, static_argnums=0)
def _train_controls(settings, keys, initial, masks, train_data, test_data):
    network = sparse_network.ResidualMlp(settings.hidden, settings.classes)

    def one(key, initial, masks):
        for_masks, for_weights = jax.random.split(key)
        scores = jax.tree.map(
            lambda leaf, k: jax.random.uniform(k, leaf.shape), initial, _keys(for_masks, initial)
        )
        counts = [sum(jnp.sum(~m) for m in jax.tree.leaves(masks[name])) for name in sorted(masks)]
        fresh = training.initialise(network, for_weights, train_data.x[:1])["params"]
        params = jax.tree.map(lambda *leaves: jnp.stack(leaves), initial, fresh)
        both = jax.tree.map(lambda *leaves: jnp.stack(leaves), layer_masks(scores, jnp.stack(counts)), masks)
        run = functools.partial(sparse_network.train_masked, settings)
        histories = jax.vmap(run, in_axes=(0, 0, None, None))(params, both, train_data, test_data).history
        return [jax.tree.map(lambda leaf, k=k: leaf[k], histories) for k in range(2)]

    seeds = jax.vmap(one, in_axes=(0, 0, 0))
    return Controls(*jax.vmap(seeds, in_axes=(None, None, 0))(keys, initial, masks))


def _keys(key, tree):
    leaves, structure = jax.tree.flatten(tree)
    return jax.tree.unflatten(structure, list(jax.random.split(key, len(leaves))))


class _Progress:
    """The rounds done so far, in memory and, if there is a directory, in one file that each round replaces."""

    def __init__(self, directory, settings, initial, data):
        self.initial, self.rounds = initial, len(settings.sparsities)
        leaves = jax.tree.leaves(initial)
        self.kept = None if directory is None else KeptResults(directory, repr(settings), *leaves, *data)

    def read(self):
        never = jax.tree.map(lambda leaf: jnp.full(leaf.shape, self.rounds, jnp.int32), self.initial)
        found = None if self.kept is None else self.kept.read("rounds")
        if found is None:
            return self.initial, never, []
        structure = jax.tree.structure(self.initial)
        weights, dropped_at = (
            structure.unflatten([jnp.asarray(found[f"{what}_{k}"]) for k in range(structure.num_leaves)])
            for what in ("weights", "dropped_at")
        )
        columns = [
            found[name] for name in ("batch_loss", "train_loss", "train_error", "test_loss", "test_error")
        ]
        results = [
            (row[0], training.History(training.Measures(*row[1:3]), training.Measures(*row[3:])))
            for row in zip(*columns)
        ]
        return weights, dropped_at, results

    def write(self, weights, dropped_at, results):
        if self.kept is None:
            return
        leaves = {"weights": jax.tree.leaves(weights), "dropped_at": jax.tree.leaves(dropped_at)}
        arrays = {f"{what}_{k}": leaf for what, many in leaves.items() for k, leaf in enumerate(many)}
        batch_loss, history = jax.tree.map(lambda *rows: np.stack(rows), *results)
        arrays |= {"batch_loss": batch_loss}
        arrays |= {
            f"{part}_{name}": leaf
            for part in ("train", "test")
            for name, leaf in getattr(history, part)._asdict().items()
        }
        self.kept.write("rounds", arrays)


def _collect(initial, dropped_at, results, rounds):
    """Put the rounds along one axis, after that of the seeds, and NaN where there was none."""
    missing = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), results[0])
    axis = results[0][0].ndim - 1
    padded = results + [missing] * (rounds - len(results))
    batch_loss, history = jax.tree.map(lambda *rows: np.stack(rows, axis), *padded)
    bad = ~np.isfinite(results[-1][0].reshape(-1, results[-1][0].shape[-1])).all(axis=0)
    failed_at = (len(results) - 1, int(bad.argmax())) if bad.any() else (-1, -1)
    return Tickets(initial, jax.device_get(dropped_at), batch_loss, history, failed_at)
