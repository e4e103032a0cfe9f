"""Whole imports of published mappings, held against a model of ingestion that is written twice."""
