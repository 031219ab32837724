"""What is written beside each other in a directory that transformers loads."""
