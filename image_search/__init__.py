"""A search of images, put together from the three packages: settings, axes, plan, and what is told before anything is trained."""
