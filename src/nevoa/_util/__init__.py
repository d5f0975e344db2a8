"""Helpers that other rooms use and users do not import: files, tensors, random numbers, threads."""
