"""What a whole trace tells: pure algorithms over a `Forest`, without SQL and without pages."""
