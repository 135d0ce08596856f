"""Names of columns and tables, and tools for the columns of Arrow tables."""
