"""Answers of the JSON API: one Struct per noun, made from rows of the store."""
