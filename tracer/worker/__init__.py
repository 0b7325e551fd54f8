"""The background worker: a process beside the web workers that runs periodic tasks."""
