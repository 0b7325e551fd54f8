"""List prices, rates, and the price book of a project (pure)."""
