"""What ways of saving lose, and what `tfrepair audit` says: the table of ``docs/audit.md``."""
