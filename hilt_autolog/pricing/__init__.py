"""What a call costs, by the price list in the package."""
