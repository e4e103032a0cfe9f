"""From a request to a call of an operation: registry, HTTP protocol, refusals, pages and time."""
