"""Charts: pure functions from series to shapes in percent, which templates write as SVG."""
