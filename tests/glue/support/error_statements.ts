/**
 * The statements of `lean-ops errors`, for tests in Python: JSON in and out. In: [{top: options}, {samples: options},
 * {ages: {ignored, now}}, {selection: options}, or {selection, judged: {schema (text), tableName, hasCurated}}], with times as ISO 8601 and the databases'
 * prefix beside them. Out: a statement for each; where a request has an `answer`
 * of Athena, what the command reads in it.
 */
import { readFileSync } from 'node:fs';
import {
  errorSamplesStatement,
  openErrorAgesStatement,
  readErrorSamples,
  readOpenErrorAges,
  readReplayVerdict,
  readSelection,
  readTopErrors,
  readValidationSchema,
  replayStatements,
  selectionStatement,
  topErrorsStatement,
  type ErrorSamplesOptions,
  type ErrorSelection,
  type JsonObject,
  type Lake,
  type TopErrorsOptions,
} from '../../../packages/common/src/core';

type Answer = readonly (readonly (string | null)[])[];
type Top = Omit<TopErrorsOptions, 'now' | 'since'> & { readonly now: string; readonly since?: string };
type Selection = Omit<ErrorSelection, 'until' | 'since'> & { readonly until: string; readonly since?: string };
interface Request {
  readonly selection?: Selection;
  readonly judged?: { readonly schema: string; readonly tableName: string; readonly hasCurated: boolean };
  readonly prefix: string;
  readonly top?: Top;
  readonly ages?: { readonly ignored: readonly string[]; readonly now: string };
  readonly samples?: ErrorSamplesOptions;
  readonly answer?: Answer;
}

function selected({ selection, judged, answer }: Request, lake: Lake): unknown {
  if (selection === undefined) throw new Error('neither top nor samples nor selection');
  const { since, until, topic, ...rest } = selection;
  const wanted = { ...rest, until: new Date(until), ...(since !== undefined && { since: new Date(since) }) };
  if (judged === undefined) {
    return answer === undefined ? selectionStatement(lake, { ...wanted, topic }) : readSelection(answer);
  }
  const schema = readValidationSchema(judged.schema, JSON.parse(judged.schema) as JsonObject);
  const statements = replayStatements(lake, { ...wanted, topic: topic! }, { ...judged, schema });
  return answer === undefined ? statements[0].sql : readReplayVerdict(statements, [answer]);
}

function answerTo(request: Request): unknown {
  const { prefix, top, samples, answer } = request;
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
  if (request.ages !== undefined) {
    const { ignored, now } = request.ages;
    return answer === undefined ? openErrorAgesStatement(lake, ignored, new Date(now)) : readOpenErrorAges(answer);
  }
  if (samples === undefined) return selected(request, lake);
  return answer === undefined ? errorSamplesStatement(lake, samples) : readErrorSamples(answer);
}

const requests = JSON.parse(readFileSync(0, 'utf8')) as Request[];
process.stdout.write(JSON.stringify(requests.map(answerTo)));
