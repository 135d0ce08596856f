/** The planner benchmark: seconds and peak memory of the real function, each in a process of its own, against ever more snapshots. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { bundle } from '../../scripts/build/bundle';
import { ROOT, TOOLS } from '../../scripts/local/paths';
import type { Document } from '../../packages/common/src/core';
import { machine } from './bench-stack';
import { servePlanner, type PlannerWorld } from './planner-services';
import { printTable } from './print-table';
import { snapshotId, writeMetadata } from './raw-metadata';

const SNAPSHOTS = [1, 10_000, 200_000] as const;
const TOPICS = [700, 10_000] as const;
/** What Node has for its heap in a function with the 512 MB that the planner has by default. */
const HEAP_MB = 460;

interface PlannerRun {
  /** Seconds of one invocation, the first of its process. */
  readonly seconds: number;
  readonly cpu_seconds: number;
  /** Peak of the process's resident memory, in MiB. */
  readonly peak_mb: number;
}

/** The names are part of `pnpm bench planner --json`. */
export interface PlannerResult {
  readonly machine: string;
  /** By snapshots of RAW, all of them new to the pipeline; with 700 topics. */
  readonly snapshots: Readonly<Record<string, PlannerRun & { readonly metadata_bytes: number }>>;
  /** By registered topics; with one snapshot. */
  readonly topics: Readonly<Record<string, PlannerRun>>;
}

export async function benchPlanner(say: (line: string) => void): Promise<PlannerResult> {
  const folder = path.join(TOOLS.dir, 'bench-planner');
  mkdirSync(folder, { recursive: true });
  say('building the function');
  await bundle(path.join(ROOT, 'packages/cycle-planner/src/handler.ts'), folder);
  writeFileSync(path.join(folder, 'package.json'), '{"type":"commonjs"}\n');
  const metadataFile = path.join(folder, 'metadata.json');
  const snapshots: Record<string, PlannerRun & { metadata_bytes: number }> = {};
  const topics: Record<string, PlannerRun> = {};
  try {
    for (const count of SNAPSHOTS) {
      say(`${count} snapshots`);
      await writeMetadata(metadataFile, count);
      const run = await invoke(folder, { metadataFile, ...itemsOf(TOPICS[0]) }, count);
      snapshots[count] = { ...run, metadata_bytes: statSync(metadataFile).size };
    }
    await writeMetadata(metadataFile, 1);
    for (const count of TOPICS) {
      say(`${count} topics`);
      topics[count] = await invoke(folder, { metadataFile, ...itemsOf(count) }, 1);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { machine: machine(), snapshots, topics };
}

/** Invokes the bundle once in a new process, as Lambda does, and checks that it has counted every snapshot. */
async function invoke(folder: string, world: PlannerWorld, snapshots: number): Promise<PlannerRun> {
  const code = `
    const { handler } = require(${JSON.stringify(path.join(folder, 'index.js'))});
    const cpu = process.cpuUsage(), start = performance.now();
    handler({ action: 'plan', execution_id: 'bench' }, { awsRequestId: 'bench', functionName: 'bench' }).then((plan) => {
      const seconds = (performance.now() - start) / 1e3, { user, system } = process.cpuUsage(cpu);
      const peak_mb = process.resourceUsage().maxRSS / 1024;
      process.stderr.write(JSON.stringify({ plan, run: { seconds, cpu_seconds: (user + system) / 1e6, peak_mb } }) + '\\n');
    }, (error) => { console.error(error); process.exitCode = 1; });`;
  const { stderr } = await servePlanner(world, (endpoint) =>
    execa(process.execPath, [`--max-old-space-size=${HEAP_MB}`, '-e', code], {
      env: { ...ENVIRONMENT, AWS_ENDPOINT_URL: endpoint },
      stdout: 'ignore',
      timeout: 120_000,
    }),
  );
  const { plan, run } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { plan: Plan; run: PlannerRun };
  if (plan.to_snapshot_id !== snapshotId(snapshots - 1) || plan.new_records !== snapshots * 500) {
    throw new Error(`the planner has not read ${snapshots} snapshots: ${JSON.stringify(plan)}`);
  }
  return run;
}

interface Plan {
  readonly to_snapshot_id: string;
  readonly new_records: number;
}

const ENVIRONMENT = {
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
  AWS_LAMBDA_FUNCTION_NAME: 'bench',
  DATABASE_PREFIX: 'lean_ops',
  LAKE_BUCKET: 'lake',
  REGISTRY_TABLE: 'registry',
  CHECKPOINT_TABLE: 'checkpoints',
  OPERATIONS_TABLE: 'operations',
  OPERATION_STATE_MACHINE: 'arn:aws:states:eu-central-1:1:stateMachine:operation',
  SCHEMA_BUCKET: 'schemas',
  VALIDATOR_FUNCTION: 'schema-validator',
};

/** The items of a pipeline in which no cycle has run yet, so that every snapshot is new, and all topics have a schema. */
function itemsOf(topics: number): Pick<PlannerWorld, 'registry' | 'checkpoints'> {
  const names = Array.from({ length: topics }, (_, n) => `fleet.topic-${n}`);
  const at = '2026-11-23T10:00:00.000Z';
  const sequencer = '00'.repeat(17);
  const registry = names.flatMap((topic): Document[] => {
    const table = topic.replace(/[.-]/g, '_');
    return [
      {
        topic_name: topic,
        table_name: table,
        processing_enabled: true,
        status: 'READY',
        schema_version: 3,
        schema_etag: 'd41d8cd98f00b204e9800998ecf8427e',
        schema_key: `schemas/${topic}/active/schema.json`,
        claimed_sequencer: sequencer,
        settled_sequencer: sequencer,
        settled_recently: Array.from({ length: 20 }, () => sequencer),
        schema_sequencer: sequencer,
        updated_at: at,
      },
      { topic_name: `table#${table}`, table_name: table, owner: topic },
    ];
  });
  const counts = { records_in: 200, duplicates: 1, superseded: 2, written: 197, nulled: 0, rejected: 0 };
  const checkpoints = names.flatMap((topic): Document[] =>
    ['standardized', 'curated'].map((layer) => ({
      topic_name: topic,
      layer,
      cycle_id: '20261123T100000Z-1a2b3c4d',
      snapshot_id: snapshotId(1),
      schema_version: 3,
      counts,
      updated_at: at,
    })),
  );
  return { registry, checkpoints };
}

export function printPlanner(result: PlannerResult): void {
  console.log(`${result.machine}; one invocation in a new process with a heap of ${HEAP_MB} MB\n`);
  const cells = ({ seconds, cpu_seconds: cpu, peak_mb: peak }: PlannerRun) => [
    seconds.toFixed(2),
    cpu.toFixed(2),
    peak.toFixed(0),
  ];
  printTable(
    ['what grows'],
    ['count', 'metadata MiB', 's', 'CPU s', 'peak MiB'],
    [
      ...Object.entries(result.snapshots).map(([count, run]) => [
        'snapshots',
        count,
        (run.metadata_bytes / 2 ** 20).toFixed(1),
        ...cells(run),
      ]),
      ...Object.entries(result.topics).map(([count, run]) => ['topics', count, '', ...cells(run)]),
    ],
  );
}
