"""Reading records into columns, classifying the columns, and normalizing their values."""
