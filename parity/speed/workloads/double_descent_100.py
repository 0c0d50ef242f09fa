"""Notebook 8.3, double descent: the network with 100 units in each hidden layer."""

import functools

from parity.speed import double_descent
from parity.speed.double_descent import STEPS, data  # noqa: F401  (parts of the workload)

TITLE = "8.3 Double descent, width 100"
SETTING = double_descent.setting(100)
FLOPS = double_descent.flops(100)
book = functools.partial(double_descent.book, 100)
tuned = functools.partial(double_descent.tuned, 100)
ours = functools.partial(double_descent.ours, 100)
