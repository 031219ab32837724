"""What a module itself starts with: its own initialisation code, seen at work, and the values that it holds."""
