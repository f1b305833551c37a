"""From all arms of the ablation to claims in three steps, with rules that were fixed beforehand."""
