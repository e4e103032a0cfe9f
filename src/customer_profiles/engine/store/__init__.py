"""The only SQL: a function takes a connection of `Database` and runs inside its transaction."""
