/** The plan of `errors replay`: what the schema in force makes of recorded errors, found out by the SQL that plans schemas. */
import {
  checkSchema,
  databaseOf,
  LAYERS,
  PARSE_ERROR_CODES,
  readReplayVerdict,
  readValidationSchema,
  replayStatements,
  schemaKeys,
  ValidationTooLongError,
  type BrokenRule,
  type Document,
  type ErrorSelection,
  type ReplayVerdict,
  type SelectedCause,
  type TopicName,
  type ValidationSchema,
} from '@lean-ops/common/core';
import { counted } from '../../format/text';
import { unjudgedText } from '../../format/unjudged';
import { lakeReader } from '../../pipeline/athena-queries';
import type { OperationsDeployment } from '../../pipeline/deployment';
import type { Operator } from '../../pipeline/operator';
import { planWork, refused, type PlanResult, type WorkPlan } from '../../operations/plan';
import type { TopicSituation } from '../../operations/situation';

/**
 * What is to be replayed, and the words of the command line that say so. Where the selection's topic is another than the one that the
 * plan is for, that one takes the messages, and the causes are of `parse_errors` alone.
 */
export interface ErrorsToReplay {
  readonly selection: ErrorSelection & { readonly topic: TopicName };
  readonly causes: readonly SelectedCause[];
  readonly words: readonly string[];
}

/** The schema in force, as far as its rules can be stated. */
interface SchemaInForce {
  readonly version: number;
  readonly rules: ValidationSchema;
}

type Lines = (readonly [name: string, text: string])[];

/** Rules that the plan names one by one. */
const SHOWN_RULES = 5;

/**
 * Judges the selected records by the schema in force, in one query as a rule.
 *
 * @throws CliError when a query is refused
 */
export async function planReplay(
  situation: TopicSituation,
  wanted: ErrorsToReplay,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<PlanResult<WorkPlan>> {
  const work = planWork(situation, 'replay');
  if (!work.ok) return work;
  const { topic, tableName } = work.plan;
  const { selection, causes, words } = wanted;
  const recorded = causes.filter(({ layer }) => layer === 'curated');
  const unread = causes.filter(({ layer }) => layer === 'standardized');
  const [rows, parseRows, gone] = [sum(recorded, 'rows'), sum(unread, 'rows'), sum(recorded, 'gone')];
  if (rows + parseRows === 0) return nothingToReplay(selection.topic);
  const schema = await readSchemaInForce(topic, deployment, operator);
  if (schema !== undefined && 'ok' in schema) return schema;
  if (schema === undefined && parseRows === 0) {
    return refused(
      'NOTHING_TO_REPLAY',
      `${topic} has no active schema, so its ${counted(rows, 'row')} cannot be judged`,
    );
  }
  const verdict =
    schema === undefined || rows === gone
      ? undefined
      : await judge(schema.rules, { ...selection, topic }, tableName, deployment, operator);
  if (verdict !== undefined && 'ok' in verdict) return verdict;
  return {
    ok: true,
    plan: {
      ...work.plan,
      holdAfter: false,
      words,
      details: {
        ...selectionDetails(wanted, topic),
        rows,
        parse_rows: parseRows,
        gone,
        ...(schema !== undefined && { schema_version: schema.version }),
        ...(verdict !== undefined && verdictDetails(verdict)),
      },
      basis: {
        rows: String(rows),
        parse_rows: String(parseRows),
        schema: schema === undefined ? 'none' : String(schema.version),
        valid: String(verdict?.valid ?? 0),
      },
      lines: [
        ...selectedLines(wanted, rows, parseRows),
        [
          'schema',
          schema === undefined
            ? 'none is active: only what could not be read is tried'
            : `version ${schema.version}, which is active`,
        ],
        ...(schema === undefined || rows === 0 ? [] : verdictLines(verdict ?? NO_ROWS)),
        ...(gone === 0
          ? []
          : [['gone', `${counted(gone, 'row')} without a record that can be read: ${stay(gone)} open`] as const]),
        ...unread.map((cause): [string, string] => ['unread', unreadText(cause)]),
        ...(selection.topic === topic
          ? []
          : [['takes', `them as messages of ${topic}, which name ${selection.topic}`] as const]),
        ['undo', 'none: a rewind to a point before it takes it back, and opens the errors again'],
      ],
    },
  };
}

function nothingToReplay(topic: TopicName): ReturnType<typeof refused> {
  const command = `lean-ops errors top --topic ${topic} --state all`;
  return refused('NOTHING_TO_REPLAY', `no error of ${topic} is open among those that were asked for`, command);
}

async function readSchemaInForce(
  topic: TopicName,
  { schemaBucket }: OperationsDeployment,
  { objects }: Operator,
): Promise<SchemaInForce | ReturnType<typeof refused> | undefined> {
  const active = await objects.get(schemaBucket, schemaKeys.active(topic));
  if (active === undefined) return undefined;
  const check = checkSchema(active.body, { topic });
  if (check.ok) return { version: check.schema.version, rules: readValidationSchema(check.text, check.document) };
  return refused(
    'SCHEMA_REFUSED',
    `the active schema of ${topic} was accepted under rules that no longer hold, so nothing can be judged by it`,
    'push a new version of it: lean-ops schema push',
  );
}

async function judge(
  schema: ValidationSchema,
  selection: ErrorsToReplay['selection'],
  tableName: string,
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<ReplayVerdict | ReturnType<typeof refused>> {
  const { query, getTable } = lakeReader(operator, deployment);
  const curated = await getTable(databaseOf(deployment.lake, LAYERS.curated), tableName);
  try {
    const target = { schema, tableName, hasCurated: curated !== undefined };
    const statements = replayStatements(deployment.lake, selection, target);
    const answers = [];
    for (const { sql } of statements) answers.push((await query(sql)).rows);
    return readReplayVerdict(statements, answers);
  } catch (error) {
    if (error instanceof ValidationTooLongError) return refused('SCHEMA_REFUSED', error.message);
    throw error;
  }
}

/** What the job selects by, as the plan keeps it. */
function selectionDetails({ selection, causes }: ErrorsToReplay, topic: TopicName): Document {
  const { fingerprints, errorIds, since, until } = selection;
  const isRenamed = selection.topic !== topic;
  return {
    ...(isRenamed && { from_topic: selection.topic }),
    ...(fingerprints !== undefined && { fingerprints: [...fingerprints] }),
    ...((isRenamed || fingerprints !== undefined) && {
      causes: causes.map(({ layer, signature }) => ({ layer, signature })),
    }),
    ...(errorIds !== undefined && { error_ids: [...errorIds] }),
    ...(since !== undefined && { since: since.toISOString() }),
    until: until.toISOString(),
  };
}

function verdictDetails(verdict: ReplayVerdict): Document {
  const { valid, restored, superseded, rejected, nulled, noted, broken, unjudged } = verdict;
  return {
    valid,
    restored,
    superseded,
    failing: rejected + nulled + noted,
    failing_rules: broken.slice(0, SHOWN_RULES).map(({ column, rule, rows }) => ({ column, rule, rows })),
    ...(unjudged.length > 0 && {
      not_judged: unjudged.slice(0, SHOWN_RULES).map(({ column, rule }) => ({ column, rule })),
    }),
  };
}

const NO_ROWS: ReplayVerdict = {
  rows: 0,
  valid: 0,
  restored: 0,
  superseded: 0,
  mended: [],
  rejected: 0,
  nulled: 0,
  noted: 0,
  unjudged: [],
  broken: [],
  exact: true,
};

function selectedLines({ selection, causes }: ErrorsToReplay, rows: number, parseRows: number): Lines {
  const { fingerprints = [], since, until } = selection;
  const from = since === undefined ? '' : ` from ${minute(since)}`;
  const silent = fingerprints.filter((one) => causes.every(({ fingerprint }) => fingerprint !== one));
  const what = `${counted(rows + parseRows, 'open row')} of ${counted(sum(causes, 'messages'), 'message')}`;
  return [
    ['errors', `${what}, of ${counted(causes.length, 'fingerprint')}, found${from} until ${minute(until)} UTC`],
    ...(silent.length === 0 ? [] : [['', `none of them has the fingerprint ${silent.join(', ')}`] as const]),
  ];
}

function verdictLines(verdict: ReplayVerdict): Lines {
  const { valid, restored, superseded, rejected, nulled, noted, broken, unjudged, exact } = verdict;
  const wrong = rejected + nulled + noted;
  const most = exact ? '' : 'at most ';
  const there = restored === 1 ? 'is there without a value, and gets it' : 'are there without a value, and get it';
  const back = restored === 0 ? '' : `; ${most}${restored} of them ${there}`;
  const failing = [
    ...(rejected === 0 ? [] : [`${rejected} rejected`]),
    ...(nulled === 0 ? [] : [`${nulled} with a value that becomes NULL`]),
    ...(noted === 0 ? [] : [`${noted} noted`]),
  ];
  return [
    ['valid', `${most}${counted(valid, 'row')}: their messages come into Curated${back}`],
    ...(superseded === 0
      ? []
      : [
          [
            'newer',
            `${most}${counted(superseded, 'row')}, valid too: Curated has or gets a newer version of the record`,
          ] as const,
        ]),
    ...(wrong === 0
      ? []
      : [['failing', `${counted(wrong, 'row')}: ${failing.join(', ')}; ${stay(wrong)} open`] as const]),
    ...broken.slice(0, SHOWN_RULES).map((rule): [string, string] => ['', ruleText(rule)]),
    ...(broken.length > SHOWN_RULES ? [['', `and ${counted(broken.length - SHOWN_RULES, 'more rule')}`] as const] : []),
    ...(unjudged.length === 0 ? [] : [['unjudged', `by the plan, but by the job: ${unjudgedText(unjudged)}`] as const]),
  ];
}

function ruleText({ column, rule, rows }: BrokenRule): string {
  return `${column} ${rule}: ${counted(rows, 'row')}`;
}

/** What is tried with messages that could not be read. The topic owns its table here, or there would be no plan. */
function unreadText({ signature, rows, messages }: SelectedCause): string {
  const found = `${signature}: ${counted(rows, 'row')} of ${counted(messages, 'message')}`;
  if (signature === 'INVALID_JSON') return `${found}, read from RAW again by the flattener of today`;
  if (signature === 'TOPIC_COLLISION') return `${found}, read from RAW: the table belongs to the topic now`;
  return `${found}, tried from RAW again (${PARSE_ERROR_CODES[signature] ?? 'an unknown code'})`;
}

function sum(causes: readonly SelectedCause[], name: 'rows' | 'messages' | 'gone'): number {
  return causes.reduce((total, cause) => total + cause[name], 0);
}

const stay = (count: number): string => (count === 1 ? 'it stays' : 'they stay');

function minute(at: Date): string {
  return at.toISOString().slice(0, 16).replace('T', ' ');
}
