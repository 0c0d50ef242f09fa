"""The one training engine of the book: a compiled scan over a given batch order.

:func:`train` is the core. It takes everything random as an argument: initial weights inside a
:class:`State`, the batch order, keys for dropout. :func:`fit` draws these from one key and calls it,
:func:`train_replicas` runs many trainings side by side, and :func:`train_in_chunks` makes a long
training show its progress and survive being killed. :func:`dot_general` makes dense layers train faster on
CPUs.
"""

from udl_jax.training.chunks import train_in_chunks
from udl_jax.training.engine import start, train
from udl_jax.training.layers import Fit, draw_order, fit, fit_replicas
from udl_jax.training.losses import cross_entropy, percent_wrong, squared_error
from udl_jax.training.products import dot_general
from udl_jax.training.records import History, Measures, Recipe, State
from udl_jax.training.replicas import train_replicas
from udl_jax.training.validation import Examples

__all__ = [
    "Examples",
    "Fit",
    "History",
    "Measures",
    "Recipe",
    "State",
    "cross_entropy",
    "dot_general",
    "draw_order",
    "fit",
    "fit_replicas",
    "percent_wrong",
    "squared_error",
    "start",
    "train",
    "train_in_chunks",
    "train_replicas",
]
