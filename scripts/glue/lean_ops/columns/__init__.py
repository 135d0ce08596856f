"""Names of columns, and columns of Arrow tables."""
