"""What the three comparisons of this chapter share."""

import re

import numpy as np
import pytest


@pytest.fixture
def book(request, reference):
    """Give the arrays of the notebook that the test's file is named after."""
    return reference(re.match(r"test_(\d_\d)", request.path.name)[1])


@pytest.fixture
def network(book):
    """Give the notebook's network: intercepts and slopes of the hidden units, offsets and weights of the outputs."""
    return book["network"], book["read_out"]


@pytest.fixture
def agrees_each(agrees):
    """Compare two arrays number by number, each relative to itself: likelihoods span many powers of ten."""

    def check(ours, theirs, **settings):
        agrees(list(np.ravel(ours)), list(np.ravel(theirs)), **settings)

    return check
