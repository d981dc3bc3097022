"""Moments, covariances, permutation and intervals: arrays in, arrays out."""
