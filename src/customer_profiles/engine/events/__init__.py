"""What happens in a domain: its change feed, and the delivery of it and of dead letters."""
