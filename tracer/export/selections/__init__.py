"""Files of many traces: JSON lines, CSV, Parquet and OTLP, written row by row."""
