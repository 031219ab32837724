"""Target networks: the families, their spaces of sizes, and what each learns."""
