"""What checks a stream and makes tensors of it: without input or output."""
