"""Profiles: their keys, search, changes, expiry, provenance, merging and removal."""
