"""Kronecker factors that are learned or generated: from logits to rows, and the mixers that are made of them."""
