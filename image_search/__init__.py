"""A search of images, put together from the three packages: settings, axes, plan, and checks and estimates before training."""
