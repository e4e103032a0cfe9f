"""How a request becomes a call: operations, the HTTP protocol, refusals, pages and time."""
