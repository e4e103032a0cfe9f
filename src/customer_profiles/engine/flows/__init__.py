"""Flows that import files from S3: their definitions, tasks, schedules and runs."""
