"""Notebook 8.3, double descent: the network with 400 units in each hidden layer."""

import functools

from parity.speed import double_descent
from parity.speed.double_descent import STEPS, data  # noqa: F401  (parts of the workload)

TITLE = "8.3 Double descent, width 400"
SETTING = double_descent.setting(400)
FLOPS = double_descent.flops(400)
book = functools.partial(double_descent.book, 400)
tuned = functools.partial(double_descent.tuned, 400)
ours = functools.partial(double_descent.ours, 400)
