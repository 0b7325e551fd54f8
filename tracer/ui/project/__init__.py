"""Pages of a project: settings, prices, mapping quality, start page."""
