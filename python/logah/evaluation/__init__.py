"""What predictions are worth: zero-shot, in training, and beside other initialisations."""
