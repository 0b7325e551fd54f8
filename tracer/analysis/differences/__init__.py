"""What is more frequent in some traces than in others: values by how surely, numbers by size."""
