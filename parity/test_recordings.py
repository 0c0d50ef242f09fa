"""With ``--book``: the committed recordings are what the notebooks compute here and now."""

import numpy as np
import pytest

from parity import agreement, notebooks

pytestmark = pytest.mark.live
#: A recording may have been made on another processor, so it is held to the tolerances of the library.
RTOL = {np.dtype("float64"): 1e-9, np.dtype("float32"): 1e-3}


@pytest.fixture(params=notebooks.completed())
def both(request, record_live):
    """Give slug, recording and live execution of a notebook."""
    slug = request.param
    with np.load(notebooks.RECORDED / f"{slug}.npz") as recorded, np.load(record_live(slug)) as live:
        return slug, dict(recorded), dict(live)


def inexact_takes(slug):
    return [take.name for take in notebooks.load_completion(slug).takes if not take.exact]


def test_recording_is_reproduced(both):
    slug, recorded, live = both
    assert set(recorded) == set(live)
    for name in recorded:
        assert recorded[name].shape == live[name].shape, name
        if name.split("/")[0] not in inexact_takes(slug):
            compare(name, recorded[name], live[name], twin_of(name, recorded))


def test_inexact_takes_are_distributed_alike(both):
    slug, recorded, live = both
    takes = [take for take in inexact_takes(slug) if take.startswith("seed")]
    quantities = {name.split("/", 1)[1] for name in recorded if name.split("/")[0] in takes}
    for quantity in quantities:
        there, here = (np.array([r[f"{take}/{quantity}"] for take in takes]) for r in (recorded, live))
        assert agreement.compare(here, there, "distribution").passed, quantity


def twin_of(name, recorded):
    """Find the twin of a run that amplifies rounding, or the run whose twin ``name`` is; None for all others."""
    run = name.removesuffix("_twin")
    return recorded.get(run if run != name else f"{name}_twin")


def compare(name, recorded, live, twin):
    if twin is not None:
        error = agreement.twin_error(live, recorded, twin).max()
        assert error <= agreement.TWIN_FACTOR, f"{name}: {error:.1f} times as far as its twin"
    elif recorded.dtype in RTOL:
        error = agreement.relative_error(live, recorded).max(initial=0.0)
        assert error <= RTOL[recorded.dtype], f"{name}: {error:.1e}"
    else:
        np.testing.assert_array_equal(live, recorded, err_msg=name)
