"""The log of a trace: its entries in time order, and the word index that searches them."""
