"""Comparisons, kinds, blocking keys and weights that users define, and models of splink."""
