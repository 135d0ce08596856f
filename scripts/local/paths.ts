import path from 'node:path';
import { UserError } from './errors';

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

/** A stack's name is a folder's name, and `up` empties that folder: it must not lead to another one. */
const STACK_NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/**
 * The paths of one stack. Several can run side by side.
 *
 * @param name the stack's name: `default` for people, others for tests
 * @throws {UserError} when it cannot be a name
 */
export function stackPaths(name = process.env['LEAN_STACK'] ?? 'default'): StackPaths {
  if (!STACK_NAME.test(name))
    throw new UserError(
      `LEAN_STACK must be letters, digits, ".", "_" and "-", and begin with a letter or a digit; it is "${name}".`,
    );
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
