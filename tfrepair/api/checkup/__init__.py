"""What ``check`` consists of: an inventory of files, and a verdict on every save with its cause."""
