"""The Glue jobs and catalog, and the Step Functions integration that runs jobs."""
