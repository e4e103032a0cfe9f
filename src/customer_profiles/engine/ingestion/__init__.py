"""From an object of a source to a profile, by the rules of its object type."""
