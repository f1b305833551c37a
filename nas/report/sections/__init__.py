"""What sections of the page show, as plain JSON and sentences."""
