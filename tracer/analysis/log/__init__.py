"""The log of a trace: its entries, and the words by which they are found."""
