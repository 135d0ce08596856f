/** Checks that the machine has the tools that the stack needs, and names each missing one in one line. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { UserError } from './errors';
import { choosePython, nodeProblem, terraformProblem, type FoundPython } from './tool-versions';

const PROBE_TIMEOUT_MS = 20_000;
/** Prints a Python's version, and 1 when it can make virtual environments. */
const PROBE =
  'import sys\ntry:\n import venv, ensurepip; ok=1\nexcept ImportError: ok=0\nprint("%d.%d.%d %d" % (sys.version_info[:3] + (ok,)))';

export interface Prerequisites {
  readonly python: string;
  readonly terraform: string;
}

/** Every `python…` on the PATH that runs. The shims of version managers that do not run are left out. */
async function findPythons(searchPath: string): Promise<FoundPython[]> {
  const commands = searchPath
    .split(path.delimiter)
    .filter((dir) => dir !== '' && existsSync(dir))
    .flatMap((dir) => {
      try {
        return readdirSync(dir)
          .filter((file) => /^python(3(\.\d+)?)?$/.test(file))
          .map((file) => path.join(dir, file));
      } catch {
        return [];
      }
    });

  const answers = await Promise.all(
    [...new Set(commands)].map(async (command) => {
      const result = await execa(command, ['-c', PROBE], { reject: false, timeout: PROBE_TIMEOUT_MS });
      const [version, venv] = result.failed ? [] : result.stdout.trim().split(' ');
      return version === undefined ? undefined : { command, version, hasVenv: venv === '1' };
    }),
  );
  return answers.filter((answer) => answer !== undefined);
}

async function terraformVersion(): Promise<string | undefined> {
  // Terraform warns on every call when the configured file does not exist.
  const result = await execa('terraform', ['version', '-json'], {
    reject: false,
    timeout: PROBE_TIMEOUT_MS,
    env: { TF_CLI_CONFIG_FILE: '' },
  });
  if (result.failed) return undefined;
  return (JSON.parse(result.stdout) as { terraform_version: string }).terraform_version;
}

/**
 * Finds Python and Terraform, and checks their versions and Node's.
 *
 * @throws {UserError} with one line for each tool that is missing or too old
 */
export async function checkPrerequisites(): Promise<Prerequisites> {
  const [pythons, terraform] = await Promise.all([findPythons(process.env['PATH'] ?? ''), terraformVersion()]);
  const python = choosePython(pythons);
  const problems = [
    nodeProblem(process.versions.node),
    'problem' in python ? python.problem : undefined,
    terraformProblem(terraform),
  ];
  const lines = problems.filter((problem) => problem !== undefined);
  if (lines.length > 0 || 'problem' in python || terraform === undefined) throw new UserError(lines.join('\n'));
  return { python: python.command, terraform };
}
