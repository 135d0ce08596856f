/**
 * The statements of `lean-ops errors`, for tests in Python: JSON in and out. In: [{top: options} or {samples: options}],
 * with times as ISO 8601 and the databases' prefix beside them. Out: a statement for each; where a request has an `answer`
 * of Athena, what the command reads in it.
 */
import { readFileSync } from 'node:fs';
import {
  errorSamplesStatement,
  readErrorSamples,
  readTopErrors,
  topErrorsStatement,
  type ErrorSamplesOptions,
  type TopErrorsOptions,
} from '../../../packages/common/src/core';

type Answer = readonly (readonly (string | null)[])[];
type Top = Omit<TopErrorsOptions, 'now' | 'since'> & { readonly now: string; readonly since?: string };
interface Request {
  readonly prefix: string;
  readonly top?: Top;
  readonly samples?: ErrorSamplesOptions;
  readonly answer?: Answer;
}

function answerTo({ prefix, top, samples, answer }: Request): unknown {
  const lake = { databasePrefix: prefix, bucket: 'lake' };
  if (top !== undefined) {
    if (answer !== undefined) return readTopErrors(answer);
    const { since, now, ...rest } = top;
    return topErrorsStatement(lake, {
      ...rest,
      now: new Date(now),
      ...(since !== undefined && { since: new Date(since) }),
    });
  }
  if (samples === undefined) throw new Error('neither top nor samples');
  return answer === undefined ? errorSamplesStatement(lake, samples) : readErrorSamples(answer);
}

const requests = JSON.parse(readFileSync(0, 'utf8')) as Request[];
process.stdout.write(JSON.stringify(requests.map(answerTo)));
