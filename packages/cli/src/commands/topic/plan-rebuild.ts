/** The plan of `topic rebuild`: the tables of a topic built anew beside those that people read, and swapped in. */
import {
  checkSuccessor,
  compareSchemas,
  isBreaking,
  LAYERS,
  readAcceptedSchema,
  schemaKeys,
  type Document,
  type SchemaChange,
  type TopicName,
} from '@lean-ops/common/core';
import { hash } from 'node:crypto';
import type { OperationsDeployment } from '../../pipeline/deployment';
import type { Operator } from '../../pipeline/operator';
import { LAYER_NAMES } from '../../format/plan-lines';
import { counted, shellWord, sizeText } from '../../format/text';
import { planWork, refused, type PlanResult, type WorkPlan } from '../../operations/plan';
import { estimateRebuild, readRebuildPast, type RebuildTime } from '../../operations/rebuild-time';
import type { TopicSituation } from '../../operations/situation';
import type { SizedTable } from '../../operations/table-sizes';

export interface RebuildOptions {
  readonly from: 'raw' | 'standardized';
  /** ISO 8601 in UTC: only events that came since then. undefined for all. */
  readonly since: string | undefined;
  /** The schema to rebuild under: its file as it was named, and its text. undefined for the active one. */
  readonly schema: { readonly file: string; readonly text: string } | undefined;
  /** As the user wrote it. */
  readonly maxRejected: string | undefined;
}

/** Dollars of a DPU hour, and the DPUs of the job by default: two workers of G.1X. */
const DOLLARS_A_DPU_HOUR = 0.44;
const DPUS = 2;
/** Changes of the schema that the plan names one by one. */
const SHOWN_CHANGES = 20;

/** What a schema would change, when it may follow the active one. */
interface SchemaChoice {
  readonly activates: boolean;
  readonly details: Document;
  readonly basis: Readonly<Record<string, string>>;
  readonly lines: readonly (readonly [string, string])[];
  readonly upload: WorkPlan['text'];
}

export async function planRebuild(
  situation: TopicSituation,
  options: RebuildOptions,
  tables: readonly SizedTable[],
  deployment: OperationsDeployment,
  operator: Operator,
): Promise<PlanResult<WorkPlan>> {
  const work = planWork(situation, 'rebuild');
  if (!work.ok) return work;
  const { topic } = situation;
  const layers = options.from === 'raw' ? [LAYERS.standardized, LAYERS.curated] : [LAYERS.curated];
  const sized = tables.filter(({ layer }) => layers.includes(layer));
  if (sized.length === 0) {
    const what =
      options.from === 'raw' ? 'no table yet' : 'no Curated table yet, so there is none to rebuild from Standardized';
    return refused('NO_TABLES', `${topic} has ${what}`);
  }
  const empty = sized.find(({ size }) => size?.snapshots === 0);
  if (empty !== undefined) {
    const message = `no cycle has written to the ${LAYER_NAMES[empty.layer]} table of ${topic} yet: the next one takes all that there is`;
    return refused('NOTHING_TO_REBUILD', message, `lean-ops topic status ${topic}`);
  }
  const choice = await chooseSchema(topic, options.schema, deployment, operator);
  if ('ok' in choice) return choice;
  const past = await readRebuildPast(topic, options.from, deployment, operator);
  const events = past.layers.get(options.from === 'raw' ? LAYERS.standardized : LAYERS.curated)?.records ?? 0;
  const time = estimateRebuild(layers, past, events);
  const rows = sized.reduce((sum, { size }) => sum + (size?.rows ?? 0), 0);
  const bytes = sized.reduce((sum, { size }) => sum + (size?.bytes ?? 0), 0);
  return {
    ok: true,
    plan: {
      ...work.plan,
      holdAfter: false,
      words: wordsOf(topic, options),
      details: {
        from: options.from,
        ...(options.since !== undefined && { since: options.since }),
        ...(options.maxRejected !== undefined && { max_rejected: options.maxRejected }),
        ...choice.details,
        rows_now: rows,
        bytes_now: bytes,
        events,
        ...(time !== undefined && { minutes: time.minutes }),
      },
      basis: choice.basis,
      lines: [
        ...sized.map(sizeLine),
        ['takes', takesText(options, events)] as const,
        ...dropsLines(options),
        ['builds', 'beside these tables, which people go on reading and cycles go on writing'] as const,
        ...choice.lines,
        ...(options.maxRejected === undefined
          ? []
          : [['audit', `stops before the swap when more than ${options.maxRejected} are rejected`] as const]),
        [
          'swaps',
          `by one commit a table; ${bytes === 0 ? 'the bytes' : sizeText(bytes)} of today stay until the undo's time is over`,
        ] as const,
        ['minutes', costText(time)] as const,
      ],
      ...(choice.upload !== undefined && { text: choice.upload }),
    },
  };
}

async function chooseSchema(
  topic: TopicName,
  given: RebuildOptions['schema'],
  { schemaBucket }: OperationsDeployment,
  { objects }: Operator,
): Promise<SchemaChoice | ReturnType<typeof refused>> {
  const active = await objects.get(schemaBucket, schemaKeys.active(topic));
  const activeDigest = active === undefined ? 'none' : digestOf(active.body).slice(0, 12);
  const before = active && readAcceptedSchema(active.body);
  if (given === undefined) {
    const lines = before === undefined ? [] : [['schema', `version ${before.version}, which is active`] as const];
    return { activates: false, details: {}, basis: { active: activeDigest }, lines, upload: undefined };
  }
  const check = checkSuccessor(given.text, { topic }, before);
  if (!check.ok) {
    const [first] = check.problems;
    const message = `${given.file} is no schema of ${topic}: ${first?.code ?? ''} ${first?.message ?? ''}`;
    return refused('SCHEMA_REFUSED', message, `lean-ops schema lint ${given.file}`);
  }
  if (before === undefined) {
    const message = `${topic} has no active schema, so none of its rows were judged by one`;
    return refused('SCHEMA_REFUSED', message, `lean-ops schema push ${given.file}`);
  }
  const { changes, problems } = compareSchemas(before, check.schema, 'given with lean-ops topic rebuild');
  if (problems[0] !== undefined) {
    return refused('SCHEMA_REFUSED', `${given.file}: ${problems[0].message}; ${problems[0].hint}`);
  }
  const digest = digestOf(check.text);
  const activates = check.text !== active?.body;
  const key = schemaKeys.operation(topic, digest.slice(0, 32));
  return {
    activates,
    details: activates
      ? {
          schema_key: key,
          schema_version: check.schema.version,
          schema_digest: digest,
          active_version: before.version,
          activates: true,
        }
      : {},
    basis: { active: activeDigest, schema: digest.slice(0, 12) },
    lines: schemaLines(before.version, check.schema.version, changes),
    upload: activates ? { bucket: schemaBucket, key, body: check.text } : undefined,
  };
}

function schemaLines(before: number, after: number, changes: readonly SchemaChange[]): (readonly [string, string])[] {
  const breaking = changes.filter(isBreaking).length;
  const more = changes.length - SHOWN_CHANGES;
  return [
    [
      'schema',
      `version ${before} becomes version ${after}: ${counted(changes.length, 'change')}, ${breaking} of them breaking`,
    ],
    ...changes
      .slice(0, SHOWN_CHANGES)
      .map((change) => ['', `${isBreaking(change) ? 'BREAKING ' : ''}${change.kind}: ${change.sentence}`] as const),
    ...(more > 0 ? [['', `and ${more} more`] as const] : []),
    ['activates', `version ${after}, after the swap and before the topic is given back`],
  ];
}

function sizeLine({ layer, size, problem }: SizedTable): readonly [string, string] {
  const name = LAYER_NAMES[layer];
  if (size === undefined) return ['has', `${name}: not known how much (${problem ?? 'its metadata is unreadable'})`];
  return ['has', `${name}: ${counted(size.rows, 'row')} in ${counted(size.files, 'file')} of ${sizeText(size.bytes)}`];
}

function takesText({ from, since }: RebuildOptions, events: number): string {
  if (from === 'standardized')
    return "Standardized's rows as they are; the ledger has judged " + counted(events, 'version');
  const which = since === undefined ? 'all events of RAW' : `events of RAW since ${since.slice(0, 16)} UTC`;
  return `${which}: the ledger has ${counted(events, 'event')} of the topic in all`;
}

/** A rebuild from a part of the events makes tables of that part. */
function dropsLines({ since }: RebuildOptions): (readonly [string, string])[] {
  if (since === undefined) return [];
  return [['drops', `the rows of events that came before ${since.slice(0, 16)}: the tables have none of them then`]];
}

function costText(time: RebuildTime | undefined): string {
  if (time === undefined) return 'not known: the ledger has no cycle of the topic';
  const dollars = (time.minutes / 60) * DPUS * DOLLARS_A_DPU_HOUR;
  return (
    `about ${time.minutes}, ${time.basis}; ` +
    `about $${dollars < 0.01 ? '0.01' : dollars.toFixed(2)} at ${DPUS} DPUs of $${DOLLARS_A_DPU_HOUR} an hour`
  );
}

function wordsOf(topic: TopicName, { from, since, schema, maxRejected }: RebuildOptions): string[] {
  return [
    topic,
    '--from',
    from,
    ...(since === undefined ? [] : ['--since', since]),
    ...(schema === undefined ? [] : ['--schema', shellWord(schema.file)]),
    ...(maxRejected === undefined ? [] : ['--max-rejected', maxRejected]),
  ];
}

function digestOf(text: string): string {
  return hash('sha256', text, 'hex');
}
