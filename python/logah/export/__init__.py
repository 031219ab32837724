"""Export of a hypernetwork as a bundle: ONNX graphs and a manifest, all that the service loads."""
