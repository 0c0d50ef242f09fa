"""The one training engine of the book: a compiled scan over a given batch order.

:func:`train` is the core. It takes everything random as an argument: initial weights inside a
:class:`State`, the batch order, and the draws of each step. What a step minimises is an *objective*, a pure
function of the model's variables, a batch and the step's draws; supervised learning, a loss of outputs and
targets, is the case that a :class:`Recipe` spells shortest. :func:`fit` draws all of it from one key and calls
the core, :func:`train_replicas` runs many trainings side by side, :func:`train_in_chunks` makes a long training
show its progress and survive being killed, and :func:`train_full_batch` does without batches.
:func:`take_step` is the step of which they are made. :func:`dot_general` makes dense layers train faster on
CPUs, and so do :class:`Conv`, :func:`max_pool` and :func:`mean_pool` for convolutional ones.
"""

from udl_jax.training.averages import average_weights, averaged
from udl_jax.training.chunks import train_in_chunks
from udl_jax.training.convolution import Conv, max_pool, mean_pool
from udl_jax.training.engine import start, train
from udl_jax.training.full_batch import train_full_batch
from udl_jax.training.layers import Fit, draw_order, fit, fit_replicas
from udl_jax.training.losses import cross_entropy, percent_wrong, squared_error
from udl_jax.training.objectives import (
    Stepped,
    forward,
    initialise,
    is_sound,
    predict,
    supervised,
    take_step,
)
from udl_jax.training.products import dot_general
from udl_jax.training.records import Evaluation, Examples, History, Measures, Recipe, State
from udl_jax.training.replicas import replicas_here, train_replicas

__all__ = [
    "Conv",
    "Evaluation",
    "Examples",
    "Fit",
    "History",
    "Measures",
    "Recipe",
    "State",
    "Stepped",
    "average_weights",
    "averaged",
    "cross_entropy",
    "dot_general",
    "draw_order",
    "fit",
    "fit_replicas",
    "forward",
    "initialise",
    "is_sound",
    "max_pool",
    "mean_pool",
    "percent_wrong",
    "predict",
    "replicas_here",
    "squared_error",
    "start",
    "supervised",
    "take_step",
    "train",
    "train_full_batch",
    "train_in_chunks",
    "train_replicas",
]
