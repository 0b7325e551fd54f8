"""Bodies and values of prompts, datasets with their experiments, media and queues."""
