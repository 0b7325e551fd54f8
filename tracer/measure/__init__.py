"""Questions about many rows and their answers: how much, how often, since when. Pure."""
