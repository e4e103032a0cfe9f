"""Pure data: what the service stores and answers, as pydantic models; no I/O, no clock."""
