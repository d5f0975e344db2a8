"""Devices, threads, and the group of processes that train together."""
