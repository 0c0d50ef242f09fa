"""Everything this project automates. Plain ``nox`` runs lint, tests and parity."""

import runpy
from pathlib import Path

import nox

nox.options.sessions = ["lint", "tests", "parity"]
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True

ROOT = Path(__file__).parent
#: Compiled programs are kept in the user's cache folder; JAX_ENABLE_COMPILATION_CACHE=false does without.
CACHE = runpy.run_path(str(ROOT / "udl_jax" / "_compiled.py"))["environment"]()
#: NumPy 2 refuses what some of the book's notebooks do.
BOOK_REQUIREMENTS = (
    "ipython",
    "matplotlib",
    "mnist1d==0.0.2.post1",
    "numpy==1.26.4",
    "scipy",
    "torch==2.13.0",
    "transformers==5.24.0",
)


@nox.session
def lint(session):
    """Check style, and that files are formatted."""
    session.install("ruff==0.17.6")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def tests(session):
    """Run the tests and the docstrings' examples, with types and shapes checked, and show coverage."""
    session.install("-e", ".[test]")
    checked = "--jaxtyping-packages=udl_jax,beartype.beartype"
    session.run(
        "pytest",
        "tests",
        "-n",
        "2",
        "--dist",
        "loadfile",
        checked,
        "--cov",
        "--cov-report=term",
        *session.posargs,
        env=CACHE,
    )
    session.run("pytest", "--doctest-modules", "udl_jax", env=CACHE)


@nox.session
def parity(session):
    """Compare the library with the recordings of the book's notebooks, and layouts with live torch."""
    session.install("-e", ".[parity]")
    session.run("pytest", "parity", "--report", "parity_report.json", *session.posargs, env=CACHE)


@nox.session
def parity_live(session):
    """Compare with the book's notebooks, run afresh: nox -s parity_live -- --book PATH."""
    if "--book" not in " ".join(session.posargs):
        session.error("say where your clone of udlbook/udlbook is: nox -s parity_live -- --book PATH")
    session.install("-e", ".[parity]")
    session.run("pytest", "parity", "--book-python", _book_python(session), *session.posargs, env=CACHE)


@nox.session
def record(session):
    """Record the book's notebooks: nox -s record -- --book PATH [8_1 ...]."""
    session.run(_book_python(session), "-m", "parity.notebooks", *session.posargs, external=True)


@nox.session
def docs(session):
    """Execute every gallery script and build the site into docs/_build/html; warnings are errors."""
    session.install("-e", ".[docs]")
    stale = ("-D", "sphinx_gallery_conf.run_stale_examples=True")  # the library may have changed
    with session.chdir("docs"):
        session.run(
            "sphinx-build", "-W", "-n", "--keep-going", *stale, "-b", "html", ".", "_build/html", env=CACHE
        )
    session.run("python", "docs/check_gallery.py")
    session.run("python", "docs/check_site.py")


@nox.session
def notebooks(session):
    """Run the notebooks that the built site offers, outside this clone, with the package installed from its wheel."""
    session.install("build", "ipykernel", "nbclient", "nbformat")
    wheels = session.create_tmp()
    session.run("python", "-m", "build", "--wheel", "--outdir", wheels, ".", silent=True)
    session.install("--force-reinstall", "--no-deps", *map(str, Path(wheels).glob("*.whl")))
    session.install(*map(str, Path(wheels).glob("*.whl")))
    session.run("python", "docs/run_notebooks.py", *session.posargs, env=CACHE)


@nox.session
def cost(session):
    """Run each page in a process of its own; print what it costs, and write docs/cost_report.json."""
    session.install("-e", ".[docs]")
    session.run("python", "docs/measure_cost.py", *session.posargs, env=CACHE)


@nox.session
def speed(session):
    """Time the table of workloads, the book's way, a tuned PyTorch's and ours: nox -s speed -- [WORKLOAD ...]."""
    session.install("-e", ".[parity]")
    session.run("python", "-m", "parity.speed", *session.posargs)


def _book_python(session):
    """Make the notebooks' own environment, once, and return its Python."""
    folder = Path(session.virtualenv.location) / "book"
    python = folder / "bin" / "python"
    if not python.exists():
        session.run("python", "-m", "venv", str(folder))
    session.run(str(python), "-m", "pip", "install", "--quiet", *BOOK_REQUIREMENTS, external=True)
    return str(python)
