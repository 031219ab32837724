"""Training a hypernetwork: settings, what a step descends, the loop, and several processes."""
