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
  type TopErrors,
  type TopErrorsOptions,
} from '@lean-ops/common/core';
import { CliError } from '../errors';
import { lakeReader } from '../pipeline/athena-queries';
import type { Cloud } from '../pipeline/aws-clients';
import type { Deployment } from '../pipeline/deployment';
import { locateRules, type SchemaRules } from './locate-rules';

type Services = Pick<Cloud, 'athena' | 'catalog' | 'objects'>;

/** Reads what is on record by fingerprint, by one query over both tables. */
export async function readTop(
  deployment: Deployment,
  services: Services,
  options: TopErrorsOptions,
): Promise<TopErrors> {
  const { rows } = await lakeReader(services, deployment).query(topErrorsStatement(deployment.lake, options));
  return readTopErrors(rows);
}

/** Everything that is known of one fingerprint. */
export interface ShownError {
  readonly group: ErrorGroup;
  /** The newest rows, the open ones first. */
  readonly samples: readonly ErrorSample[];
  /** Where the schema that is in force states the broken rules; undefined for parse errors. */
  readonly schema: SchemaRules | undefined;
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
  const [{ groups }, { rows }] = await Promise.all([
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
  return { group, samples: readErrorSamples(rows), schema };
}
