"""What trained networks answer on a person's own images."""
