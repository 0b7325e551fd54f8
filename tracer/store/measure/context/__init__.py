"""Where values stand among those of the same name: on pages of traces and spans."""
