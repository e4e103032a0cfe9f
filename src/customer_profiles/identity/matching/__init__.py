"""Many pairs at once: blocking, comparison, scoring and clustering."""
