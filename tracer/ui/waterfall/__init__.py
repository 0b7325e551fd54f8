"""Time axis, zoom window and minimap of a trace."""
