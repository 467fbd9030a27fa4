"""Use cases: each calls the stages in order and returns data."""
