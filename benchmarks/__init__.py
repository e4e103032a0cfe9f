"""How fast we are, and beside whom: `python -m benchmarks`.

Every figure is a ratio of two medians that were taken in turn in one run, because seconds say
more about the machine than about the code. Each goal passes or misses, and a miss is exit code 1.
"""
