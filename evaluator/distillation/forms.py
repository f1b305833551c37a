"""Names of the ways in which a network learns from a teacher; light, so that `--help` answers at once."""

from __future__ import annotations

FORMS = ("kd", "dkd")
"""Hinton's distillation, and the decoupled one; see `evaluator.distillation.losses`."""
