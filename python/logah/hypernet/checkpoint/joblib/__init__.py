"""Reads a state dict that joblib wrote, as GHN-3's are published, without joblib and without running the file.

joblib's `load` imports and calls what a file names. Here the pickle's instructions are interpreted one by one: a name
is only compared with the few that a state dict needs, and nothing is ever imported or called because a file says so.

The format (joblib 0.10 to 1.6): a pickle, possibly compressed as a whole. A torch tensor is an instruction to rebuild
it from a storage, and the storage's bytes are a whole file of `torch.save` in its older format. Of a NumPy array the
pickle has a `NumpyArrayWrapper`; where that is complete, the array's bytes follow in the middle of the pickle, since
joblib 1.2 after padding, whose length is one byte before it.
"""
