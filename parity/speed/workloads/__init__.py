"""One module for each workload.

A workload has a ``TITLE``, a ``SETTING`` in words, the number of ``STEPS`` that one run takes and the floating-point
operations ``FLOPS`` of each; ``data()`` returns the arrays that all sides get; and its sides are functions
``book(data)``, ``tuned(data)`` and ``ours(data)`` that prepare what they need and return a function ``run(seed)``,
which does the work once and returns a number to compare, such as a test error. Each side runs in processes of its own
and imports its framework itself, so that it pays for no other. A side may be missing.
"""
