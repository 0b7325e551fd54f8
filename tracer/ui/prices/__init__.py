"""The prices of models: the list, one price, and the form that sets it."""
