"""What operators watch: health, readiness, metrics, log lines."""
