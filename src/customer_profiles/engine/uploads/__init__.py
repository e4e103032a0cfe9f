"""Upload jobs: the address and the reception of a CSV file, and the import of its rows."""
