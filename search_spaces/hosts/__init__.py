"""The unchanged networks. A space may replace the mixer and the convolutions of their units."""
