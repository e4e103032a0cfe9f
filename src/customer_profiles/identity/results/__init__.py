"""What a resolution is worth and how it changes: expectation, evaluation, verdict, households."""
