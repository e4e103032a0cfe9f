"""Flows: the rules of their definitions, their tasks and schedules, and runs of S3 flows."""
