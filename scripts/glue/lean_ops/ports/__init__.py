"""Everything the jobs need from outside: interfaces, the arguments of jobs, and the adapters to AWS."""
