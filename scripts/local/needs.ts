/** What the machine must have: looked for first, and every lack named in one line. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { UserError } from './errors';
import { choosePython, nodeFault, terraformFault, type FoundPython } from './versions';

export interface Needs {
  readonly python: string;
  readonly terraform: string;
}

/** Every `python…` on the PATH that runs. Version managers leave shims that do not: those are passed over. */
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
  const probe =
    'import sys\ntry:\n import venv, ensurepip; ok=1\nexcept ImportError: ok=0\nprint("%d.%d.%d %d" % (sys.version_info[:3] + (ok,)))';
  const answers = await Promise.all(
    [...new Set(commands)].map(async (command) => {
      const result = await execa(command, ['-c', probe], { reject: false, timeout: 20_000 });
      const [version, venv] = result.failed ? [] : result.stdout.trim().split(' ');
      return version === undefined ? undefined : { command, version, hasVenv: venv === '1' };
    }),
  );
  return answers.filter((answer) => answer !== undefined);
}

async function terraformVersion(): Promise<string | undefined> {
  // A configuration file that is named but not there makes Terraform warn on every call.
  const result = await execa('terraform', ['version', '-json'], {
    reject: false,
    timeout: 20_000,
    env: { TF_CLI_CONFIG_FILE: '' },
  });
  if (result.failed) return undefined;
  return (JSON.parse(result.stdout) as { terraform_version: string }).terraform_version;
}

/** @throws {UserError} with one line a lack, all of them at once. */
export async function checkNeeds(): Promise<Needs> {
  const [pythons, terraform] = await Promise.all([findPythons(process.env['PATH'] ?? ''), terraformVersion()]);
  const python = choosePython(pythons);
  const faults = [
    nodeFault(process.versions.node),
    'fault' in python ? python.fault : undefined,
    terraformFault(terraform),
  ];
  const lines = faults.filter((fault) => fault !== undefined);
  if (lines.length > 0 || 'fault' in python || terraform === undefined) throw new UserError(lines.join('\n'));
  return { python: python.command, terraform };
}
