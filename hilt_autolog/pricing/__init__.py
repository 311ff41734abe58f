"""Price the calls of language models, by the price list in the package."""
