/**
 * The AWS CLI that the commands of the runbooks run with. They are written for version 2, which no package registry has, and
 * CI installs nothing by hand. So version 1 is installed, and two differences are made up for. That a payload is given as it is
 * only version 2 has to be told. And version 1 goes to an old address of SQS, whatever AWS_ENDPOINT_URL says.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, TOOLS } from '../../../scripts/local/paths';

const REQUIREMENTS = path.join(__dirname, 'requirements.txt');
const FOLDER = path.join(TOOLS.dir, 'aws-cli');
const PACKAGES = path.join(FOLDER, 'packages');

const AWS = `#!/bin/sh
for word; do
  shift
  if [ "$word" = --cli-binary-format ]; then skip=1
  elif [ -n "$skip" ]; then skip=
  else set -- "$@" "$word"
  fi
done
PYTHONPATH='${PACKAGES}' PYTHONDONTWRITEBYTECODE=1 exec '${TOOLS.python}' -m awscli --endpoint-url "$AWS_ENDPOINT_URL" "$@"
`;
/** The runbooks' \`pnpm lean-ops\`, without a package manager around it. */
const PNPM = `#!/bin/sh
[ "$1" = --silent ] && shift
[ "$1" = lean-ops ] || { echo "pnpm $1 is not for a runbook" >&2; exit 2; }
shift
exec '${process.execPath}' '${path.join(ROOT, 'packages/cli/bin/lean-ops.mjs')}' "$@"
`;

/** Installs the pinned CLI where it is not there yet. @returns the folder with the commands, for PATH */
export function installAwsCli(): string {
  const bin = path.join(FOLDER, 'bin');
  const stamp = path.join(FOLDER, 'requirements.sha256');
  const wanted = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(PACKAGES, { recursive: true });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--no-deps'];
    execFileSync(TOOLS.python, [...pip, '--target', PACKAGES, '-r', REQUIREMENTS], { stdio: 'pipe' });
    writeFileSync(stamp, wanted);
  }
  mkdirSync(bin, { recursive: true });
  for (const [name, text] of [
    ['aws', AWS],
    ['pnpm', PNPM],
  ] as const) {
    writeFileSync(path.join(bin, name), text);
    chmodSync(path.join(bin, name), 0o755);
  }
  return bin;
}
