"""What people do to a topic: the part of it that is done in tables, by the job operation."""
