"""Two traces side by side: which spans correspond, and what differs in time, cost and text."""
