"""What nobody outside names: files, tensors, random numbers, devices, threads."""
