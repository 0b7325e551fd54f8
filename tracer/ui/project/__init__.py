"""Pages of a project: settings, prices, mapping quality, first start."""
