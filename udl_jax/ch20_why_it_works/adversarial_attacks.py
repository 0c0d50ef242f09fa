"""Adversarial attacks: how well a network withstands small changes that are made to fool it, or another one."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, ArrayLike, Float, Int, Num

from udl_jax import _checks, training
from udl_jax._annotations import checked
from udl_jax.ch20_why_it_works.perturbations import (
    Variables,
    fgsm,
    grey_bounds,
    input_gradient,
    iterate,
)

#: An attack: of a network's variables, images, labels, and how large the change may be; gives the changed images.
Attack = Callable[[Variables, Array, Array, Any], Array]
#: How many images are attacked at a time where accuracies are measured.
AT_ONCE = 250


@functools.cache
def fgsm_attack(model: nn.Module, clipped: bool = False) -> Attack:
    """Make an attack of :func:`fgsm`, with pixels clipped to valid greys if wanted; equal arguments give the same one."""

    def attack(variables, x, y, epsilon):
        bounds = grey_bounds(x.dtype) if clipped else None
        return fgsm(x, input_gradient(model, variables, x, y), epsilon, bounds)

    return attack


@functools.cache
def iterated_attack(model: nn.Module, steps: int = 10, share: float = 0.25, clipped: bool = False) -> Attack:
    """Make an attack of :func:`iterate`: ``steps`` of ``share`` of the size each, which is also the radius."""

    def attack(variables, x, y, epsilon):
        bounds = grey_bounds(x.dtype) if clipped else None
        return iterate(model, variables, x, y, share * epsilon, steps, radius=epsilon, bounds=bounds)

    return attack


@checked
def accuracy_under(
    attack: Attack,
    epsilons: Float[Array | np.ndarray, " sizes"],
    model: nn.Module,
    variables: Variables,
    x: Float[Array, "batch ..."],
    y: Int[Array, " batch"],
) -> Float[Array, " sizes"]:
    """Measure how many images a network still gets right under an attack, for each of several sizes of it.

    ``vmap`` over the sizes computes only once what does not depend on them, such as the gradient of :func:`fgsm`.

    Parameters
    ----------
    attack
        A function of variables, images, labels and size that gives the changed images; static, so make it once, as
        :func:`fgsm_attack` and :func:`iterated_attack` do.
    epsilons
        Sizes, none negative.
    model, variables, x, y
        As in :func:`input_gradient`.

    Returns
    -------
    Float[Array, " sizes"]
        In percent.

    Raises
    ------
    ValueError
        As :func:`input_gradient`; also if there are no sizes, or one is negative.
    """
    epsilons = epsilons.astype(x.dtype)
    _checks.values("epsilons", epsilons, lambda e: e >= 0, "sizes that are not negative")
    # A part of the images at a time: each is there once for every size, and all its windows in the convolutions.
    parts = [slice(begin, begin + AT_ONCE) for begin in range(0, len(x), AT_ONCE)]
    scores = [_scores(attack, model, epsilons, variables, x[part], y[part]) for part in parts]
    return 100 - jax.vmap(training.percent_wrong, in_axes=(0, None))(jnp.concatenate(scores, axis=1), y)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _scores(attack, model, epsilons, variables, x, y):
    def under(epsilon):
        return training.predict(model, variables, attack(variables, x, y, epsilon))

    return jax.vmap(under)(epsilons)


@checked
def transfer(
    attack: Attack,
    epsilon: Num[ArrayLike, ""],
    model: nn.Module,
    networks: Variables,
    x: Float[Array, "batch ..."],
    y: Int[Array, " batch"],
) -> Float[Array, "makers victims"]:
    """Show each of several networks the images that were made to fool each of them.

    Parameters
    ----------
    attack, model, x, y
        As in :func:`accuracy_under`.
    epsilon
        Size of the attack.
    networks
        Variables with a leading axis, such as those of :func:`udl_jax.ch10_convolution.convolution_mnist.train_seeds`.

    Returns
    -------
    Float[Array, "makers victims"]
        Accuracy in percent of each column's network on the images made with the gradient of each row's.

    Raises
    ------
    ValueError
        As :func:`accuracy_under`.
    """
    return _transfer(
        attack, model, _checks.like(_checks.number("epsilon", epsilon, least=0), x), networks, x, y
    )


@functools.partial(jax.jit, static_argnums=(0, 1))
def _transfer(attack, model, epsilon, networks, x, y):
    made = jax.vmap(lambda variables: attack(variables, x, y, epsilon))(networks)

    def see(images, variables):
        return 100 - training.percent_wrong(training.predict(model, variables, images), y)

    return jax.vmap(jax.vmap(see, in_axes=(None, 0)), in_axes=(0, None))(made, networks)


def adversarial_recipe(recipe: training.Recipe, epsilon: float) -> training.Recipe:
    """Make a recipe that trains on each batch twice, as it is and attacked by :func:`fgsm`, clipped to valid greys.

    Parameters
    ----------
    recipe
        A supervised recipe, such as :func:`udl_jax.ch10_convolution.convolution_mnist.make_recipe`'s.
    epsilon
        Size of the attack.

    Returns
    -------
    training.Recipe
        Its objective is the mean of both losses; reported are loss and error on what it is given, without an attack.

    Raises
    ------
    ValueError
        If ``epsilon`` is negative.
    """
    return _adversarial_recipe(recipe, float(_checks.number("epsilon", epsilon, least=0)))


@functools.cache
def _adversarial_recipe(recipe, epsilon):
    plain = training.supervised(recipe.loss)

    def objective(model, variables, batch, draws):
        attack = fgsm_attack(model, clipped=True)
        attacked = jax.lax.stop_gradient(attack(variables, batch.x, batch.y, epsilon))
        losses = [plain(model, variables, batch._replace(x=x), draws) for x in (batch.x, attacked)]
        return (losses[0][0] + losses[1][0]) / 2, losses[0][1]

    def measure(model, variables, examples):
        scores = training.predict(model, variables, examples.x)
        return training.Measures(recipe.loss(scores, examples.y), recipe.error(scores, examples.y))

    return dataclasses.replace(recipe, objective=objective, measure=measure)
