"""Statistical models of measured values, for samplers and for estimates alike."""
