"""Changes of many traces at once, deletes and exports: their forms, and the pages of jobs."""
