"""What names mean in the files of others: tables only, no code that decides."""
