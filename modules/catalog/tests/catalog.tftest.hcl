mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }
}

variables {
  name_prefix          = "lean-ops"
  database_prefix      = "lean_ops"
  account              = { id = "123456789012", partition = "aws", region = "eu-central-1" }
  buckets              = { lake = "lake", schemas = "schemas", artifacts = "artifacts", dlq_archive = "archive" }
  query_results_prefix = "athena-results/"
  tables               = { schema_registry = "registry", checkpoints = "checkpoints", operations = "operations", dlq_archive = "dlq-archive", idempotency = "idempotency" }
  provisioner_function = "lean-ops-table-provisioner"
  scripts_dir          = "tests/fixtures"
  library_zip          = "tests/fixtures/lean_ops.zip"

  glue_worker_type       = "G.1X"
  glue_number_of_workers = 2
  glue_timeout_minutes   = 60
  max_columns            = 500

  propose_rewind_rejected_percent = 50
  rewind_window_days              = 30
  raw_retention_days              = null
  log_retention_days              = 30
  force_destroy                   = false

  catalog_calls_per_second = 70
  driver_java_options      = "-XX:TieredStopAtLevel=1"
}

run "makes_databases_workgroup_and_jobs_with_least_rights" {
  command = plan

  assert {
    condition     = join(",", sort([for database in aws_glue_catalog_database.this : database.name])) == "lean_ops_curated,lean_ops_ops,lean_ops_raw,lean_ops_standardized"
    error_message = "Databases are {prefix}_raw, _standardized, _curated and _ops."
  }

  assert {
    condition = (
      alltrue([for group in aws_athena_workgroup.this : group.configuration[0].enforce_workgroup_configuration]) &&
      { for group in aws_athena_workgroup.this : group.name => group.configuration[0].result_configuration[0].output_location } == {
        lean-ops            = "s3://lake/athena-results/"
        lean-ops-operations = "s3://lake/athena-results/operations/"
      }
    )
    error_message = "The workgroup's place for results binds its clients."
  }

  assert {
    condition = alltrue([
      for job in aws_glue_job.this :
      strcontains("${job.default_arguments["--conf"]} ", "spark.sql.catalog.glue_catalog.client.region=eu-central-1 ")
    ])
    error_message = "Every job's catalog names the region: where none is named, tasks would look for files in us-east-1."
  }

  assert {
    condition = (
      alltrue([for name, job in aws_glue_job.this : job.execution_property[0].max_concurrent_runs == (name == "operation" ? 20 : 1)]) &&
      alltrue([for job in aws_glue_job.this : job.max_retries == 0])
    )
    error_message = "A layer's job never runs twice at once, operations on different topics do, and none is retried by Glue."
  }

  assert {
    condition = alltrue([
      for name in ["--database_prefix", "--lake_bucket", "--schema_bucket", "--registry_table", "--checkpoint_table", "--provisioner_function", "--max_columns", "--propose_rewind_rejected_percent"] :
      contains(keys(aws_glue_job.this["standardized"].default_arguments), name)
    ])
    error_message = "Arguments that do not change from cycle to cycle are defaults of the job."
  }

  assert {
    condition     = { for name, job in aws_glue_job.this : name => job.default_arguments["--catalog_calls_per_second"] } == { standardized = "70", curated = "70", operation = "17", maintenance = "70", historical-catch-up = "17" }
    error_message = "Every job keeps to the limit of catalog calls."
  }

  assert {
    condition     = alltrue([for job in aws_glue_job.this : contains(split(" --conf ", job.default_arguments["--conf"]), "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1")])
    error_message = "The driver's Java process gets the option, as one setting among others."
  }

  assert {
    condition = (
      aws_glue_job.this["historical-catch-up"].default_arguments["--dry-run"] == "true" &&
      !contains(keys(aws_glue_job.this["historical-catch-up"].default_arguments), "--provisioner_function") &&
      aws_s3_object.script["historical-catch-up"].key == "glue/historical_catch_up.py"
    )
    error_message = "The catch-up writes only when a run says --dry-run=false, and gets what it needs."
  }

  assert {
    condition     = join(",", keys(output.jobs)) == "curated,standardized"
    error_message = "The cycle runs the jobs of the two layers; the catch-up is started by hand."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.catch_up.statement : [
        for resource in statement.resources :
        endswith(resource, "/lean_ops_ops/drift_log/*") || endswith(resource, "/lean_ops_standardized/*/metadata/*")
      ] if contains(statement.actions, "s3:PutObject")
    ]))
    error_message = "It writes drift_log, and metadata of Standardized."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.catch_up.statement :
      !contains(statement.actions, "glue:CreateTable") && !contains(statement.resources, "*")
    ])
    error_message = "It makes no tables, and stands on nothing broader than a table."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.maintenance.statement : [
        for resource in statement.resources : can(regex("^arn:aws:s3:::lake/warehouse/lean_ops_(raw|standardized|curated|ops)/\\*$", resource))
      ] if contains(statement.actions, "s3:DeleteObject") || contains(statement.actions, "s3:PutObject")
    ]))
    error_message = "Maintenance writes and deletes objects of tables, and no others."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.maintenance.statement :
      !contains(statement.resources, "*") && !anytrue([for action in ["glue:CreateTable", "dynamodb:UpdateItem", "dynamodb:DeleteItem"] : contains(statement.actions, action)])
    ])
    error_message = "Maintenance makes no tables."
  }

  assert {
    condition = alltrue([
      for document in [data.aws_iam_policy_document.maintenance, data.aws_iam_policy_document.operation] : toset(flatten([
        for statement in document.statement : [for resource in statement.resources : resource if strcontains(resource, ":table/")]
        if contains(statement.actions, "glue:DeleteTable")
      ])) == toset(["arn:aws:glue:eu-central-1:123456789012:table/lean_ops_ops/rebuild_*"])
    ])
    error_message = "Tables of rebuilds are dropped by the operation, and by maintenance where that died, and no others by either."
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.maintenance.statement :
      contains(statement.actions, "dynamodb:GetItem") && endswith(one(statement.resources), "/operations") if length(statement.resources) == 1
    ])
    error_message = "Maintenance looks up the operation of a rebuild's table."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.maintenance.statement :
      length(statement.resources) == 1 && endswith(one(statement.resources), "/checkpoints") if contains(statement.actions, "dynamodb:PutItem")
    ])
    error_message = "Maintenance keeps its pace among the checkpoints, and writes to no other table of DynamoDB."
  }

  assert {
    condition     = { for name in ["maintenance", "operation"] : name => aws_glue_job.this[name].default_arguments["--budget_minutes"] } == { maintenance = "10", operation = "50" }
    error_message = "A run of either begins nothing more some minutes before Glue stops it."
  }

  assert {
    condition     = aws_glue_job.this["operation"].default_arguments["--rewind_window_days"] == "30"
    error_message = "A compaction expires no snapshot that maintenance keeps."
  }

  assert {
    condition     = aws_glue_job.this["maintenance"].default_arguments["--raw_retention_days"] == "0" && aws_glue_job.this["maintenance"].default_arguments["--rewind_window_days"] == "30"
    error_message = "RAW is kept for ever unless the deployment says otherwise; the job takes 0 for that."
  }

  assert {
    condition     = aws_glue_job.this["operation"].default_arguments["--rewind_window_days"] == "30"
    error_message = "Compaction of one topic keeps the days that maintenance keeps."
  }

  assert {
    condition = alltrue(flatten([
      for statement in data.aws_iam_policy_document.job["standardized"].statement : [
        for resource in statement.resources :
        !strcontains(resource, "/lean_ops_raw/") || resource == "arn:aws:s3:::lake/warehouse/lean_ops_raw/events/metadata/*"
      ] if contains(statement.actions, "s3:PutObject") || contains(statement.actions, "s3:DeleteObject")
    ]))
    error_message = "The Standardized job writes metadata of RAW, and never a row."
  }

  assert {
    condition     = !strcontains(jsonencode([for statement in data.aws_iam_policy_document.job["curated"].statement : statement if contains(statement.actions, "s3:PutObject") || contains(statement.actions, "glue:UpdateTable")]), "lean_ops_raw")
    error_message = "RAW is immutable for the Curated job."
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.operation.statement : tolist(statement.resources)
      if contains(statement.actions, "glue:UpdateTable") || contains(statement.actions, "s3:PutObject")
      ])) == toset(concat([
      "arn:aws:glue:eu-central-1:123456789012:catalog",
      "arn:aws:glue:eu-central-1:123456789012:database/lean_ops_standardized", "arn:aws:glue:eu-central-1:123456789012:table/lean_ops_standardized/*",
      "arn:aws:glue:eu-central-1:123456789012:database/lean_ops_curated", "arn:aws:glue:eu-central-1:123456789012:table/lean_ops_curated/*",
      "arn:aws:glue:eu-central-1:123456789012:database/lean_ops_ops", "arn:aws:glue:eu-central-1:123456789012:database/lean_ops_raw",
      "arn:aws:glue:eu-central-1:123456789012:table/lean_ops_raw/events", "arn:aws:s3:::lake/warehouse/lean_ops_raw/events/*",
      "arn:aws:s3:::lake/warehouse/lean_ops_standardized/*", "arn:aws:s3:::lake/warehouse/lean_ops_curated/*",
      "arn:aws:s3:::archive/firehose-errors/*",
      ], flatten([
        for table in ["operations", "cycle_delta", "errors", "parse_errors", "ledger", "drift_log", "rebuild_*"] : [
          "arn:aws:glue:eu-central-1:123456789012:table/lean_ops_ops/${table}", "arn:aws:s3:::lake/warehouse/lean_ops_ops/${table}/*",
        ]
    ])))
    error_message = "An operation commits to the tables of topics, to its own record, to those that say what became of rows, and to what an erasure has to take a record from; to no other."
  }

  assert {
    condition = alltrue(flatten([
      for document in concat(values(data.aws_iam_policy_document.job), values(data.aws_iam_policy_document.any_job)) : [
        for statement in document.statement : statement.sid == "PublishMetrics" if contains(statement.resources, "*")
      ]
    ]))
    error_message = "Only PutMetricData, which knows no resource, may stand on *."
  }
}

run "keeps_budgets_below_the_shortest_timeout" {
  command = plan

  variables {
    glue_timeout_minutes = 5
  }

  assert {
    condition     = local.budget_minutes == { maintenance = 1, operation = 1 }
    error_message = "A budget is at least a minute, and less than Glue's timeout."
  }
}

run "puts_no_more_tags_on_scripts_and_library_than_s3_takes" {
  command = plan

  assert {
    condition = alltrue([
      for object in concat(values(aws_s3_object.script), [aws_s3_object.library]) :
      length(object.override_provider[0].default_tags[0].tags) == 0
    ])
    error_message = "An object takes ten tags, and a deployment may have more."
  }
}

run "keeps_each_jobs_logs_apart_and_for_a_time" {
  command = plan

  assert {
    condition = alltrue([
      for key, job in aws_glue_job.this : alltrue([
        for kind in ["output", "error"] : contains(
          [for group in aws_cloudwatch_log_group.job : group.name if group.retention_in_days == 30],
          "${job.default_arguments["--custom-logGroup-prefix"]}/${kind}",
        )
      ])
    ])
    error_message = "Both groups that a run writes to below its prefix are there, and their events expire."
  }

  assert {
    condition = length(distinct([for job in aws_glue_job.this : job.default_arguments["--custom-logGroup-prefix"]])) == length(aws_glue_job.this) && alltrue([
      for prefix in values(local.log_group_prefixes) : can(regex("^[^:*]{1,400}$", prefix))
    ])
    error_message = "Each job has a prefix of its own, of characters that Glue takes."
  }

  assert {
    condition = alltrue(flatten([
      for key, document in data.aws_iam_policy_document.any_job : [
        for statement in document.statement : [
          for resource in statement.resources : startswith(resource, "arn:aws:logs:eu-central-1:123456789012:log-group:/aws-glue/jobs/lean-ops-${key}/")
        ] if anytrue([for action in statement.actions : startswith(action, "logs:")])
      ]
    ]))
    error_message = "A job writes to its own log groups and to no other's."
  }

  assert {
    condition     = !contains(keys(local.common_arguments), "--enable-continuous-cloudwatch-log")
    error_message = "Continuous logging is Glue 4's; it would write to /aws-glue/jobs/logs-v2, which never expires."
  }
}

run "refuses_a_library_and_scripts_that_are_not_there" {
  command = plan

  variables {
    library_zip = "tests/fixtures/not-built.zip"
    scripts_dir = "tests"
  }

  expect_failures = [aws_s3_object.library, aws_s3_object.script]
}

run "refuses_results_prefix_without_slash" {
  command = plan

  variables {
    query_results_prefix = "athena-results"
  }

  expect_failures = [var.query_results_prefix]
}
