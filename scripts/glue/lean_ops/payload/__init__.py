"""Turns the JSON text of a payload into flat columns of text."""
