"""One record at a time, with the same results as `identity.matching`."""
