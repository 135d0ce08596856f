"""What the jobs need from outside: the interfaces, the job arguments, and the adapters to AWS."""
