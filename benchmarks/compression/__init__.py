"""The value of compressing a trained ResNet, compared with networks that are small from the beginning. See `__main__`."""
