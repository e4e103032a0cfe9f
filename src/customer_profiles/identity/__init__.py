"""Identity resolution as functions over records; it knows nothing else of this library."""
