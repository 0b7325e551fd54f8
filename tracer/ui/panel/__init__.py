"""The panel beside the span tree."""
