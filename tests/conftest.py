"""Two CPU devices, so that what is shared out over devices is tested; before JAX wakes up."""

import os

import matplotlib

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
matplotlib.use("Agg")
