"""Statistical models of what was measured, for samplers and for estimates alike."""
