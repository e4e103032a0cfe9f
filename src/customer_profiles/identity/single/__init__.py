"""Reading, blocking and comparing one record at a time, with the results of `identity.matching`."""
