"""Learned group convolution with learned channel shuffles: structured sparsification.

Source: Zhang et al., Structured Sparsification with Joint Optimization of Group Convolution and Channel Shuffle, UAI 2021
(arXiv 2002.08127), from the authors' slides and code; docs/methods.md says what is theirs and what is ours.
"""
