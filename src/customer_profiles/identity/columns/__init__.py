"""What the columns of a table hold, and their values in comparable form."""
