/** Decides which versions of the needed tools are recent enough, and words what to do about the others. */
export interface FoundPython {
  readonly command: string;
  readonly version: string;
  readonly hasVenv: boolean;
}

type Version = readonly [major: number, minor: number, patch: number];

export function parseVersion(text: string): Version | undefined {
  const match = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

function atLeast(version: Version, major: number, minor: number): boolean {
  return version[0] > major || (version[0] === major && version[1] >= minor);
}

/** A sentence when this Node is too old, or undefined. Node 20 before 20.19 cannot `require` ES modules. */
export function nodeProblem(version: string): string | undefined {
  const parsed = parseVersion(version);
  if (parsed !== undefined && atLeast(parsed, 20, 19)) return undefined;
  return `Node.js ≥ 20.19 is needed; this is ${version}. Install it from nodejs.org or with a version manager.`;
}

export function terraformProblem(version: string | undefined): string | undefined {
  if (version === undefined) {
    return 'Terraform ≥ 1.9 is needed and `terraform` is not on the PATH. Install it: developer.hashicorp.com/terraform/install';
  }
  const parsed = parseVersion(version);
  if (parsed !== undefined && atLeast(parsed, 1, 9)) return undefined;
  return `Terraform ≥ 1.9 is needed; this is ${version}. Update it: developer.hashicorp.com/terraform/install`;
}

/**
 * Chooses a Python, or says which one is needed. Spark 3.5 runs on Python 3.11, as on Glue, and on 3.12. Python 3.10 lacks
 * what our code uses, and 3.13 lacks what PySpark 3.5 uses.
 */
export function choosePython(found: readonly FoundPython[]): FoundPython | { readonly problem: string } {
  for (const wanted of ['3.11.', '3.12.']) {
    const fit = found.find((python) => python.version.startsWith(wanted) && python.hasVenv);
    if (fit !== undefined) return fit;
  }
  const bare = found.find((python) => /^3\.1[12]\./.test(python.version));
  if (bare !== undefined) {
    return {
      problem: `Python ${bare.version} (${bare.command}) has no venv module. Install it (Debian: apt install python3-venv).`,
    };
  }
  const have = [...new Set(found.map((python) => python.version))].join(', ');
  return {
    problem: `Python 3.11 or 3.12 is needed; ${have === '' ? 'no Python is on the PATH' : `found only ${have}`}. Install one of the two.`,
  };
}
