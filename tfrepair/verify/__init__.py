"""What was written is read back with other code than the code that wrote it."""
