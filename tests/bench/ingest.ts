/** The ingest benchmark: measures in processes that take turns, so that a machine that slows down slows all of them. */
import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { bundle } from '../../scripts/build/bundle';
import { ROOT, TOOLS } from '../../scripts/local/paths';

const SIZES = [200, 1_000, 10_000] as const;
const MODES = ['floor', 'ours', 'usual'] as const;
const MESSAGES = 10_000;
const REPEATS = 3;
const INITS = 7;

type Mode = (typeof MODES)[number];
type BySize = Record<string, number>;

export interface IngestResult {
  readonly machine: string;
  readonly messages: number;
  /** CPU microseconds per message, by message size in bytes. */
  readonly us: Readonly<Record<Mode, BySize>>;
  /** Our time divided by the floor's. */
  readonly floor_ratio: BySize;
  /** The usual way's time divided by ours. */
  readonly usual_ratio: BySize;
  /** Resident memory of a process that handled one batch of 10,000 × 1 KB, with the batch. */
  readonly peak_mb: number;
  readonly bundles: Readonly<Record<string, { readonly bytes: number; readonly init_ms: number }>>;
}

const ENVIRONMENT = {
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  AWS_REGION: 'eu-central-1',
  AWS_LAMBDA_FUNCTION_NAME: 'bench',
  POWERTOOLS_DEV: 'false',
};

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

interface Measured {
  readonly us: readonly number[];
  readonly peak_mb: number;
}

async function measure(script: string, mode: Mode, bytes: number, rounds: number): Promise<Measured> {
  const args = ['--expose-gc', script, mode, String(bytes), String(MESSAGES), String(rounds)];
  const { stderr } = await execa(process.execPath, args, { env: ENVIRONMENT, stdout: 'ignore', timeout: 300_000 });
  return JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as Measured;
}

/** Milliseconds that Lambda would spend on `require` of the bundle, each measured in a fresh process. */
async function initMs(file: string): Promise<number> {
  const code = `const s = performance.now(); require(${JSON.stringify(file)}); process.stderr.write(String(performance.now() - s))`;
  const times: number[] = [];
  for (let n = 0; n < INITS; n++) {
    // Any text is a valid name, so one value serves every variable that a function reads.
    const { stderr } = await execa(process.execPath, ['-e', code], { env: { ...ENVIRONMENT, ...ANY_CONFIG } });
    times.push(Number(stderr.trim().split('\n').at(-1)));
  }
  return median(times);
}

const ANY_CONFIG = Object.fromEntries(
  [
    'FIREHOSE_STREAM_NAME OVERFLOW_BUCKET RAW_DATABASE RAW_TABLE ARCHIVE_BUCKET ARCHIVE_TABLE IDEMPOTENCY_TABLE',
    'SCHEMA_BUCKET DATABASE_PREFIX LAKE_BUCKET ATHENA_WORKGROUP REGISTRY_TABLE CHECKPOINT_TABLE OPERATIONS_TABLE VALIDATOR_FUNCTION DLQ_NAME INGEST_NAME FAILED_UPLOADS_QUEUE',
  ]
    .join(' ')
    .split(' ')
    .map((name) => [name, 'lean_ops'])
    .concat([
      ['LEASE_SECONDS', '3600'],
      ['ERROR_PREFIX', 'firehose-errors/'],
    ]),
);

/** The bundles, copied to a folder in which no package.json makes modules of them, as in Lambda's file system. */
async function bundles(out: string): Promise<IngestResult['bundles']> {
  const found: Record<string, { bytes: number; init_ms: number }> = {};
  const packages = path.join(ROOT, 'packages');
  for (const name of readdirSync(packages).filter((each) => each !== 'common' && each !== 'cli')) {
    const file = path.join(out, name, 'index.js');
    mkdirSync(path.dirname(file), { recursive: true });
    copyFileSync(path.join(packages, name, 'dist/index.js'), file);
    found[name] = { bytes: statSync(file).size, init_ms: Math.round(await initMs(file)) };
  }
  return found;
}

export async function benchIngest(rounds: number, progress: (line: string) => void): Promise<IngestResult> {
  progress('building the bundles');
  await execa(process.execPath, ['--import', 'tsx', path.join(ROOT, 'scripts/build/build.ts')], { cwd: ROOT });
  const out = path.join(TOOLS.dir, 'bench');
  await bundle(path.join(ROOT, 'tests/bench/ingest-child.ts'), out);
  writeFileSync(path.join(out, 'package.json'), '{"type":"commonjs"}\n');
  const script = path.join(out, 'index.js');

  const us: Record<Mode, BySize> = { floor: {}, ours: {}, usual: {} };
  const floorRatio: BySize = {};
  const usualRatio: BySize = {};
  for (const size of SIZES) {
    const runs: Record<Mode, number[]> = { floor: [], ours: [], usual: [] };
    for (let repeat = 1; repeat <= REPEATS; repeat++) {
      for (const mode of MODES) {
        progress(`${size} B, ${mode}, ${repeat} of ${REPEATS}`);
        // Making a batch of 100 MB takes most of the time.
        const count = size < 10_000 ? rounds : Math.min(rounds, 2);
        runs[mode].push(median((await measure(script, mode, size, count)).us));
      }
    }
    for (const mode of MODES) us[mode][size] = median(runs[mode]);
    // The ratio is taken pair by pair, of runs that took turns.
    floorRatio[size] = median(runs.ours.map((each, n) => each / (runs.floor[n] ?? NaN)));
    usualRatio[size] = median(runs.usual.map((each, n) => each / (runs.ours[n] ?? NaN)));
  }
  progress('memory, size and init time');
  const { peak_mb: peakMb } = await measure(script, 'ours', 1_000, 0);
  return {
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`,
    messages: MESSAGES,
    us,
    floor_ratio: floorRatio,
    usual_ratio: usualRatio,
    peak_mb: Math.round(peakMb),
    bundles: await bundles(out),
  };
}

export function printIngest(result: IngestResult): void {
  console.log(`${result.machine}; ${result.messages} messages a batch; CPU µs per message, medians\n`);
  console.log('   size     floor      ours     usual   ours ÷ floor   usual ÷ ours');
  for (const size of SIZES) {
    const cells = MODES.map((mode) => (result.us[mode][size] ?? NaN).toFixed(1).padStart(9));
    const floorRatio = `${(result.floor_ratio[size] ?? NaN).toFixed(2)} ×`.padStart(14);
    const usualRatio = `${(result.usual_ratio[size] ?? NaN).toFixed(1)} ×`.padStart(14);
    console.log(`${`${size} B`.padStart(8)} ${cells.join(' ')} ${floorRatio} ${usualRatio}`);
  }
  console.log(`\npeak memory of one batch of 10,000 × 1 KB: ${result.peak_mb} MB\n`);
  for (const [name, { bytes, init_ms: ms }] of Object.entries(result.bundles))
    console.log(`  ${name.padEnd(22)} ${(bytes / 1024).toFixed(0).padStart(5)} KiB   init ${ms} ms`);
}
