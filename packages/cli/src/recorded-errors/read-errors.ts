import {
  errorSamplesStatement,
  isTopicName,
  readErrorSamples,
  readTopErrors,
  rulesOfSignature,
  topErrorsStatement,
  type ErrorGroup,
  type ErrorSample,
  type ErrorSamplesOptions,
  type IgnoredMark,
  type TopErrors,
  type TopErrorsOptions,
} from '@lean-ops/common/core';
import { CliError } from '../errors';
import { lakeReader } from '../pipeline/athena-queries';
import type { Cloud } from '../pipeline/aws-clients';
import type { Deployment } from '../pipeline/deployment';
import { readDoings, withReplaying, type Doings } from './doings';
import { locateRules, type SchemaRules } from './locate-rules';

type Services = Pick<Cloud, 'athena' | 'catalog' | 'objects' | 'documents'>;

/** Reads what is on record by fingerprint, by one query over both tables, and before it what is being done about it. */
export async function readTop(
  deployment: Deployment,
  services: Services,
  options: Omit<TopErrorsOptions, 'ignored'>,
): Promise<TopErrors & { readonly doings: Doings }> {
  const doings = await readDoings(deployment, services, options.now.getTime());
  const sql = topErrorsStatement(deployment.lake, { ...options, ignored: [...doings.ignored.keys()] });
  const top = readTopErrors((await lakeReader(services, deployment).query(sql)).rows);
  return { ...top, groups: top.groups.map((group) => withReplaying(group, doings)), doings };
}

/** Everything that is known of one fingerprint. */
export interface ShownError {
  readonly group: ErrorGroup;
  /** The newest rows, the open ones first. */
  readonly samples: readonly ErrorSample[];
  /** Where the schema that is in force states the broken rules; undefined for parse errors. */
  readonly schema: SchemaRules | undefined;
  /** By whom it is ignored; undefined where it is not. */
  readonly ignored: IgnoredMark | undefined;
}

/**
 * Reads one fingerprint: its numbers and its newest rows by two queries at the same time, then the schema in force.
 *
 * @throws CliError where nothing with it is on record
 */
export async function readShown(
  deployment: Deployment,
  services: Services,
  { topic, fingerprint, now, ...options }: ErrorSamplesOptions & { readonly now: Date },
): Promise<ShownError> {
  const { query } = lakeReader(services, deployment);
  const samplesSql = errorSamplesStatement(deployment.lake, { topic, fingerprint, ...options });
  const [{ groups, doings }, { rows }] = await Promise.all([
    readTop(deployment, services, { topic, fingerprint, state: 'all', limit: 1, now }),
    options.limit === 0 ? { rows: [] } : query(samplesSql),
  ]);
  const [group] = groups;
  if (group === undefined) {
    const where = topic === undefined ? '' : ` of ${topic}`;
    throw new CliError(
      `no error${where} has the fingerprint ${fingerprint}. lean-ops errors top --state all lists them.`,
    );
  }
  const rules = group.layer === 'curated' ? rulesOfSignature(group.signature) : [];
  const schema =
    rules.length === 0 || !isTopicName(group.topic)
      ? undefined
      : await locateRules(group.topic, rules, deployment.schemaBucket, services.objects);
  return { group, samples: readErrorSamples(rows), schema, ignored: doings.ignored.get(fingerprint) };
}
