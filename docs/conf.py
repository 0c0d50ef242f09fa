"""Sphinx configuration of the udl_jax site.

Build it from the repository root with ``sphinx-build -W -n -b html docs docs/_build/html``; hold the
gallery to its budgets afterwards with ``python docs/check_gallery.py``.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path[:0] = [str(DOCS / "_ext"), str(ROOT)]

from udl_api import names_in_order  # noqa: E402
from udl_gallery import first_cell  # noqa: E402
from udl_links import repository_url  # noqa: E402

import udl_jax  # noqa: E402

project = "udl_jax"
author = "The udl_jax authors"
copyright = f"2026, {author}"
version = release = udl_jax.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "myst_parser",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "udl_api",
    "udl_catalogue",
    "udl_links",
    "udl_signatures",
]

# Sources ------------------------------------------------------------------------------------------

templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "gallery/**/*.ipynb", "**/*.inc"]
default_role = "py:obj"
suppress_warnings = [
    "myst.header",  # CHANGELOG.md and CONTRIBUTING.md are included below a title of their own
    "myst.xref_missing",  # their links to files of the repository lead nowhere on the site
]

# API reference ------------------------------------------------------------------------------------

add_module_names = False
autodoc_member_order = "bysource"
autosummary_generate = False  # udl_api calls the generator, for modules it finds by itself
autosummary_ignore_module_all = False
autosummary_context = {"names_in_order": names_in_order()}  # autosummary itself sorts by the alphabet
maximum_signature_line_length = 88
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
toc_object_entries_show_parents = "hide"
viewcode_line_numbers = True

# Other projects' references, each with a stub for builds without a network (make_inventories.py) ------

intersphinx_mapping = {
    name: (url, (None, f"_inventories/{name}.inv"))
    for name, url in {
        "python": "https://docs.python.org/3",
        "jax": "https://docs.jax.dev/en/latest",
        "flax": "https://flax-linen.readthedocs.io/en/latest",
        "optax": "https://optax.readthedocs.io/en/latest",
        "numpy": "https://numpy.org/doc/stable",
        "matplotlib": "https://matplotlib.org/stable",
    }.items()
}
# jaxtyping's own site has no entries for its array types: the stub is all there is.
intersphinx_mapping["jaxtyping"] = ("https://docs.kidger.site/jaxtyping", "_inventories/jaxtyping.inv")
intersphinx_timeout = 10

# The gallery --------------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "reset_modules": ("matplotlib", "udl_gallery.reset"),
    "reset_modules_order": "both",
    "image_scrapers": ("udl_gallery.scrape",),
    "parallel": 2,
    "junit": "../gallery.xml",  # read by check_gallery.py
    "write_computation_times": False,  # its pages load scripts from the network; cost.rst has what they say
    "first_notebook_cell": first_cell(),
    "doc_module": ("udl_jax",),
    "backreferences_dir": "gallery/backreferences",
    "image_srcset": ["2x"],
    "matplotlib_animations": True,
    "remove_config_comments": True,
    "ignore_repr_types": r"matplotlib\.",
    "recommender": {"enable": True, "n_examples": 4, "min_df": 1, "max_df": 1.0},
    "show_signature": False,
    "thumbnail_size": (480, 336),
}

# Copy buttons leave prompts and output behind.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

# HTML ---------------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "udl_jax"
html_static_path = [
    "_static",
    # MathJax as one file, from a package: formulas need no network either.
    str(Path(find_spec("sphinx-mathjax-offline").origin).parent / "static/mathjax/tex-svg-full.js"),
]
mathjax_path = "tex-svg-full.js"
mathjax3_config = {"options": {"enableMenu": False}, "svg": {"fontCache": "global"}}
html_css_files = ["udl.css"]
html_favicon = "_static/favicon.svg"
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {
    "index": [],
    "findings": [],
    "speed": [],
    "cost": [],
    "changelog": [],
    "book": [],
    "parity": [],
}
html_theme_options = {
    "logo": {
        "text": "udl_jax",
        "alt_text": "udl_jax, home",
        "image_light": "_static/logo-light.svg",
        "image_dark": "_static/logo-dark.svg",
    },
    "icon_links": [
        {"name": "GitHub", "url": url, "icon": "fa-brands fa-github"} for url in [repository_url(ROOT)] if url
    ],
    "navbar_align": "left",
    "header_links_before_dropdown": 9,
    "navigation_with_keys": False,
    "show_nav_level": 1,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "secondary_sidebar_items": ["page-toc", "sg_download_links"],
    "footer_start": ["copyright"],
    "footer_end": ["footer-book"],
    "back_to_top_button": True,
}
