"""The unchanged networks; a space may replace the `mixer` and the 1x1 convolutions of their units."""
