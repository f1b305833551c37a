"""What compressing a trained ResNet is worth, beside networks that are small from the beginning. See `__main__`."""
