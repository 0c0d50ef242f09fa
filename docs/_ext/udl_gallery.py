"""What sphinx-gallery calls between two scripts."""

from typing import Any

import jax
import matplotlib.pyplot as plt


def reset(gallery_conf: dict[str, Any], script: str | None) -> None:
    """Close all figures and drop JAX's compiled programs, so that no script profits from another's."""
    plt.close("all")
    jax.clear_caches()
