"""A rebuild: a topic's tables are built anew beside those that people read, and then take their place."""
