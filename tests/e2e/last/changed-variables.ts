/** Another value for every variable of the root module: what somebody may change in a deployment that is there. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../../../scripts/local/paths';
import type { Variables } from '../terraform';

/** Variables that say which deployment this is. Another value is another deployment. */
export const IDENTITY: Variables = { name_prefix: 'other', database_prefix: 'other', region: 'eu-west-1' };

/** Each differs from its default and from the local stack's value. */
export const CHANGED: Variables = {
  s3_use_path_style: 'false',
  require_tls: 'true',
  force_destroy: 'true',
  expiry_enabled: 'true',
  provision_tables: 'false',
  dist_dir: 'tests/terraform/build',
  glue_scripts_dir: 'tests/terraform',
  tags: '{"owner":"somebody"}',
  glue_worker_type: 'G.2X',
  glue_number_of_workers: '3',
  glue_timeout_minutes: '61',
  catalog_calls_per_second: '101',
  freshness_target_minutes: '61',
  freshness_targets: '{"telemetry.climate":30}',
  driver_java_options: '-XX:TieredStopAtLevel=3',
  max_columns: '501',
  propose_rewind_rejected_percent: '51',
  hold_after_bad_cycle: 'true',
  schedule_enabled: 'true',
  schedule_expression: 'rate(30 minutes)',
  ingest_age_alarm_seconds: '901',
  maintenance_schedule_expression: 'rate(12 hours)',
  rewind_window_days: '31',
  raw_retention_days: '400',
  alarm_topic_arn: 'arn:aws:sns:us-east-1:000000000000:on-call',
  ingest_batch_size: '999',
  ingest_batch_window_seconds: '2',
  ingest_max_concurrency: '21',
  ingest_timeout_seconds: '61',
  max_clock_skew_seconds: '86401',
  visibility_timeout_seconds: '1000',
  max_receive_count: '999',
  dlq_entry_days: '1',
  firehose_buffer_seconds: '61',
  firehose_buffer_mb: '0.5',
  firehose_file_mb: '65',
  lambda_architecture: process.arch === 'arm64' ? 'x86_64' : 'arm64',
  lambda_memory_mb: '{"sqs_processor":2048}',
  lambda_environment: '{"TZ_NAME":"UTC"}',
  log_level: 'DEBUG',
  log_retention_days: '60',
  tracing_enabled: 'true',
};

/** The names of the root module's variables, as they are declared. */
export function declaredVariables(): string[] {
  const files = readdirSync(ROOT).filter((file) => file.endsWith('.tf'));
  return files.flatMap((file) =>
    [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/^variable "(\w+)"/gm)].map(([, name]) => name ?? ''),
  );
}
