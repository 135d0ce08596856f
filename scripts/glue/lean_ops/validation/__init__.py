"""The rules of a topic schema applied to rows: casts, constraints, and the verdict on each row."""
