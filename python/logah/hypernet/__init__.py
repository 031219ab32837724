"""The hypernetwork: a Graphormer encoder over architecture graphs and the decoders that predict parameters."""
