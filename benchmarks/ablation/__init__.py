"""The ablation of the dynamic shuffle: arms at equal training, paired seeds, one table."""
