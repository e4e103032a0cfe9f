"""Names in other scripts than Latin: their letters, and how they are read."""
