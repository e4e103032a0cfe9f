"""Audiences: conditions on profiles and objects, and what is counted and listed by them."""
