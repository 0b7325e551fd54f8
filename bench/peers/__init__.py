"""Phoenix and MLflow under the loads of these benchmarks, each with its own default store."""
