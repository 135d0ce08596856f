import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const DIST = path.join(ROOT, 'dist');

/** The folder, ignored by Git, below which everything lies that the local stack makes. */
const LOCAL = path.join(ROOT, '.local');

/** Tools that all stacks share. They are made once and kept between runs. */
export const TOOLS = {
  dir: LOCAL,
  venv: path.join(LOCAL, 'venv'),
  python: path.join(LOCAL, 'venv', 'bin', 'python'),
  requirements: path.join(ROOT, 'scripts/local/requirements.txt'),
  /** In front of the path of the processes that run jobs; the emulator and the tests find it by Python's own `sys.prefix`. */
  gluePackages: path.join(LOCAL, 'venv', 'glue-packages'),
  glueRequirements: path.join(ROOT, 'scripts/local/glue-runtime/requirements.txt'),
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
  /** The record of the running stack, which `up` writes and `down` removes. */
  readonly record: string;
  /** Terraform's outputs, in the file that `lean-ops` reads. */
  readonly outputs: string;
}

/**
 * The paths of one stack. Several can run side by side.
 *
 * @param name the stack's name: `default` for people, others for tests
 */
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
