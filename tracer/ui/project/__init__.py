"""Pages of a project: settings, keys, access, mapping quality, first start."""
