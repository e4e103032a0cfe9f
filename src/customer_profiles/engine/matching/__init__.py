"""The service's meaning of matching: jobs, rules and consolidation, on top of `identity`."""
