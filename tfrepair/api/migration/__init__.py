"""Many conversions, each exactly once: what is to be done, what was done, who does it."""
