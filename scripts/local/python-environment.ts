/** Makes the Python environment and finds Spark's jars: once, and again when the pinned versions change. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { StepError } from './errors';
import { ROOT, TOOLS } from './paths';

export type Progress = (line: string) => void;

/** The trust stores of Debian and Red Hat. They know a company's certificate authority, which the JVM's own store does not. */
const SYSTEM_TRUST_STORES = ['/etc/ssl/certs/java/cacerts', '/etc/pki/java/cacerts'];

/** True when the environment exists and was made from the present requirements. */
export function pythonReady(): boolean {
  const stamp = path.join(TOOLS.venv, 'requirements.sha256');
  return existsSync(TOOLS.python) && existsSync(stamp) && readFileSync(stamp, 'utf8') === requirementsHash();
}

function requirementsHash(): string {
  const hash = createHash('sha256');
  for (const file of [TOOLS.requirements, TOOLS.glueRequirements]) hash.update(readFileSync(file));
  return hash.digest('hex');
}

const PIP_INSTALL = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];

/**
 * Makes the virtual environment and installs the pinned requirements, and in a folder of it what jobs find on Glue at other
 * versions than the stack itself needs.
 */
export async function installPython(python: string, progress: Progress): Promise<void> {
  if (pythonReady()) return;
  const log = path.join(TOOLS.dir, 'setup.log');
  rmSync(TOOLS.venv, { recursive: true, force: true });
  mkdirSync(TOOLS.dir, { recursive: true });
  progress('making the virtual environment');
  await run('Python environment', python, ['-m', 'venv', TOOLS.venv], log, progress);
  const installs: readonly (readonly string[])[] = [
    ['-r', TOOLS.requirements],
    // Their own requirements are in the environment already.
    ['--no-deps', '--target', TOOLS.gluePackages, '-r', TOOLS.glueRequirements],
  ];
  for (const install of installs) {
    await run('Python packages', TOOLS.python, [...PIP_INSTALL, ...install], log, (line) => {
      const match = /^(Collecting|Downloading|Installing)\s+(.{0,60})/.exec(line);
      if (match !== null) progress(match[0]);
    });
  }
  writeFileSync(path.join(TOOLS.venv, 'requirements.sha256'), requirementsHash());
}

/**
 * The paths of the Iceberg jars. Ivy resolves them once, where `spark.jars.packages` would do so on every start.
 *
 * @throws {StepError} when Ivy cannot resolve them
 */
export async function installJars(progress: Progress): Promise<readonly string[]> {
  const known = knownJars();
  if (known !== undefined) return known;
  progress('resolving Iceberg for Spark');
  const log = path.join(TOOLS.dir, 'setup.log');
  const trustStore = SYSTEM_TRUST_STORES.find((file) => existsSync(file));
  const env = { LEAN_TRUST_STORE: trustStore ?? '', LEAN_IVY_DIR: path.join(TOOLS.dir, 'ivy') };
  const script = path.join(ROOT, 'scripts/local/resolve_jars.py');
  // The last line is the answer, and no progress.
  const onLine = (line: string): void => (line.startsWith('[') ? undefined : progress(line));
  const out = await run('Spark jars', TOOLS.python, [script], log, onLine, env);
  const jars = JSON.parse(out.trim().split('\n').at(-1) ?? '[]') as string[];
  if (jars.length < 2) throw new StepError('Spark jars', 'Ivy did not say where the jars are', log);
  writeFileSync(TOOLS.jars, JSON.stringify(jars));
  return jars;
}

function knownJars(): readonly string[] | undefined {
  if (!existsSync(TOOLS.jars)) return undefined;
  const jars = JSON.parse(readFileSync(TOOLS.jars, 'utf8')) as string[];
  return jars.every((jar) => existsSync(jar)) ? jars : undefined;
}

async function run(
  step: string,
  command: string,
  args: readonly string[],
  log: string,
  onLine: Progress,
  env: Record<string, string> = {},
): Promise<string> {
  const child = execa(command, args, { env, all: true, reject: false, buffer: true });
  child.all.on('data', (chunk: Buffer) => {
    const line = chunk.toString('utf8').trim().split('\n').at(-1);
    if (line !== undefined) onLine(line.slice(0, 100));
  });
  const result = await child;
  writeFileSync(log, `$ ${command} ${args.join(' ')}\n${result.all}\n`, { flag: 'a' });
  if (result.failed) {
    const reason =
      result.all
        .trim()
        .split('\n')
        .findLast((line) => /error/i.test(line)) ??
      result.shortMessage ??
      'it ended with an error';
    throw new StepError(step, reason, log);
  }
  return result.stdout;
}
