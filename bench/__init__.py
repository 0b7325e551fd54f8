"""The benchmarks: measure the targets of the design on a real server (``python -m bench``)."""
