import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const DIST = path.join(ROOT, 'dist');

/** Everything the local stack makes lives below this ignored folder. */
const LOCAL = path.join(ROOT, '.local');

/** Shared by all stacks: made once, kept between runs. */
export const TOOLS = {
  dir: LOCAL,
  venv: path.join(LOCAL, 'venv'),
  python: path.join(LOCAL, 'venv', 'bin', 'python'),
  requirements: path.join(ROOT, 'scripts/local/requirements.txt'),
  jars: path.join(LOCAL, 'jars.json'),
  terraformData: path.join(LOCAL, 'terraform'),
  terraformPlugins: path.join(LOCAL, 'terraform-plugins'),
  terraformConfig: path.join(LOCAL, 'terraformrc'),
} as const;

export interface StackPaths {
  readonly name: string;
  readonly dir: string;
  readonly logs: string;
  readonly emulatorLog: string;
  readonly terraformLog: string;
  readonly terraformState: string;
  /** What is running: written by `up`, removed by `down`. */
  readonly record: string;
  /** Terraform's outputs, for `lean-ops`. */
  readonly outputs: string;
}

/** @param name several stacks can live side by side: `default` for people, others for tests. */
export function stackPaths(name = process.env['LEAN_STACK'] ?? 'default'): StackPaths {
  const dir = path.join(LOCAL, 'stacks', name);
  const logs = path.join(dir, 'logs');
  return {
    name,
    dir,
    logs,
    emulatorLog: path.join(logs, 'emulator.log'),
    terraformLog: path.join(logs, 'terraform.log'),
    terraformState: path.join(dir, 'terraform.tfstate'),
    record: path.join(dir, 'stack.json'),
    outputs: path.join(dir, 'outputs.json'),
  };
}
