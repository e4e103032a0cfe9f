"""Thousands of records in one transaction, each with the outcome that its own request would have.

A call stores as many of the given records, from the first on, as one transaction of about a tenth
of a second takes, and returns their outcomes; the caller continues with the others. So other
writers get their turn, and a killed process leaves the records of whole calls.

Profiles of a domain with rules match as they are written, which depends on the order of all
writes. There, a call stores a single record.
"""
