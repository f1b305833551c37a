"""What backs each number in the docs."""
