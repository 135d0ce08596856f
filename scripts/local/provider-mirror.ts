/** Finds Terraform's AWS provider on machines that cannot reach the registry. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TOOLS } from './paths';

const HOST = 'registry.terraform.io';
const SOFTWARE_ROOTS = ['/opt', '/usr/local', '/usr/lib', '/usr/share', '/srv', path.join(os.homedir(), '.local')];
/** How many folders below a root a mirror is looked for. */
const LEVELS = 3;

export interface ProviderSource {
  /** A description for the log. */
  readonly description: string;
  /** The value of TF_CLI_CONFIG_FILE; when it is empty, Terraform's own rules apply. */
  readonly cliConfigFile: string;
}

/** Environment variables for every Terraform call: where providers come from, and one copy of each for all modules. */
export function terraformEnvironment(source: ProviderSource): Record<string, string> {
  mkdirSync(TOOLS.terraformPlugins, { recursive: true });
  return {
    TF_CLI_CONFIG_FILE: source.cliConfigFile,
    TF_PLUGIN_CACHE_DIR: TOOLS.terraformPlugins,
    // There is no lock file that could break, because Git ignores it (docs/decisions/0002).
    TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE: 'true',
    TF_IN_AUTOMATION: '1',
    TF_INPUT: '0',
    CHECKPOINT_DISABLE: '1',
  };
}

/** The directories that Terraform itself treats as mirrors ("implied local mirror directories" in its documentation). */
function impliedMirrors(home: string): string[] {
  const data = process.env['XDG_DATA_HOME'] ?? path.join(home, '.local/share');
  return [
    path.join(home, '.terraform.d/plugins'),
    path.join(data, 'terraform/plugins'),
    '/usr/local/share/terraform/plugins',
    '/usr/share/terraform/plugins',
  ];
}

/** A mirror, which is a folder with `registry.terraform.io` in it, at most `levels` below one of `roots`; else undefined. */
export function findMirror(roots: readonly string[], levels = LEVELS): string | undefined {
  let front = roots.filter((root) => existsSync(root));
  for (let level = 0; level < levels; level += 1) {
    const hit = front.find((dir) => existsSync(path.join(dir, HOST, 'hashicorp', 'aws')));
    if (hit !== undefined) return hit;
    front = front.flatMap(subdirectories);
  }
  return undefined;
}

function subdirectories(dir: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => path.join(dir, entry.name));
  } catch {
    return []; // This user may not read it.
  }
}

/** Chooses the first that exists: the user's configuration file, Terraform's implied mirrors, a found mirror, the registry. */
export function chooseProviderSource(): ProviderSource {
  const configured = process.env['TF_CLI_CONFIG_FILE'];
  if (configured !== undefined && configured !== '' && existsSync(configured)) {
    return { description: `Terraform configuration ${configured}`, cliConfigFile: configured };
  }
  const implied = impliedMirrors(os.homedir()).find((dir) => existsSync(path.join(dir, HOST)));
  if (implied !== undefined)
    return { description: `provider mirror ${implied} (Terraform's own rule)`, cliConfigFile: '' };
  const mirror = findMirror(SOFTWARE_ROOTS);
  if (mirror === undefined) return { description: 'the Terraform registry', cliConfigFile: '' };
  const provider = `${HOST}/hashicorp/aws`;
  writeFileSync(
    TOOLS.terraformConfig,
    `provider_installation {\n  filesystem_mirror {\n    path    = ${JSON.stringify(mirror)}\n    include = ["${provider}"]\n  }\n` +
      `  direct {\n    exclude = ["${provider}"]\n  }\n}\n`,
  );
  return { description: `provider mirror ${mirror}`, cliConfigFile: TOOLS.terraformConfig };
}
