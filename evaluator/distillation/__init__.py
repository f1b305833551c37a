"""Networks that learn from the answers of a trained one."""
