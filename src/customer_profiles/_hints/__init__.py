"""What messages suggest: the names that may be meant, and what to install."""
