"""From what the user gave for --arch to an Architecture, through the host."""
