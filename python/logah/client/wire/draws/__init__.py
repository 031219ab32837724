"""Random numbers that depend on a stream's key and an element's index alone: the ones that the server draws.

The same code runs on NumPy's arrays and on torch's tensors, on any device with float64.
"""
