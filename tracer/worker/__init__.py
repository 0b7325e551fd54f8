"""Background tasks, in a process of their own beside the web workers."""
