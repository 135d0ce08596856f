"""A payload's JSON text to flat columns of text."""
