"""Training a hypernetwork: data, target architectures, the loop and its evaluation."""
