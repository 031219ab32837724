"""What fills the parameters of a module in place; needs torch."""
