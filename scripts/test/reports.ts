/** Reads the reports of Jest, pytest and Terraform: counts, and each failure with the command that runs it alone. */

export interface Failure {
  /** The test's name, as its suite shows it. */
  readonly test: string;
  /** The test's error, with everything that the test printed. */
  readonly output: string;
  /** The command that runs this test and no other. */
  readonly alone: string;
}

export interface Report {
  readonly passed: number;
  readonly failures: readonly Failure[];
}

interface JestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** A terminal's colours, which say nothing in a file. */
// eslint-disable-next-line no-control-regex -- ESC is what is looked for.
const COLOUR = /\u001b\[[0-9;]*m/g;

export function aloneCommand(suite: string, test: string): string {
  return `pnpm test ${suite} --grep '${test.replaceAll("'", `'\\''`)}'`;
}

/** @param root of the repository, which file names lose. */
export function jestReport(suite: string, json: string, root: string): Report {
  const report = JSON.parse(json) as JestReport;
  let passed = 0;
  const failures: Failure[] = [];
  for (const { name, status, message, assertionResults } of report.testResults) {
    const file = name.replace(`${root}/`, '');
    passed += assertionResults.filter(({ status }) => status === 'passed').length;
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    for (const { fullName, failureMessages } of failed) {
      const output = failureMessages.join('\n').replace(COLOUR, '');
      const test = `${file}::${fullName}`;
      failures.push({ test, output, alone: aloneCommand(suite, test) });
    }
    // A file that could not be loaded, or whose last hook failed, has a message and no test that failed.
    if (failed.length === 0 && status === 'failed')
      failures.push({ test: file, output: message.replace(COLOUR, ''), alone: aloneCommand(suite, file) });
  }
  return { passed, failures };
}

/** @param xml JUnit's format as pytest writes it, in the family xunit1, which names files. */
export function pytestReport(suite: string, xml: string): Report {
  let passed = 0;
  const failures: Failure[] = [];
  for (const [, attributes = '', , body = ''] of xml.matchAll(/<testcase ([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const attribute = (name: string): string =>
      unescape(new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');
    const wrong = [...body.matchAll(/<(failure|error)\b[^>]*?(?:\/>|>([\s\S]*?)<\/\1>)/g)];
    if (wrong.length === 0) {
      if (!body.includes('<skipped')) passed += 1;
      continue;
    }
    const printed = [...body.matchAll(/<system-(?:out|err)>([\s\S]*?)<\/system-(?:out|err)>/g)];
    const output = [...wrong.map(([, , text = '']) => text), ...printed.map(([, text = '']) => text)];
    const test = `${attribute('file')}::${attribute('name')}`;
    failures.push({ test, output: unescape(output.join('\n')), alone: aloneCommand(suite, test) });
  }
  return { passed, failures };
}

/** @param folder of the module, by which its tests are run alone. */
export function terraformReport(folder: string, output: string, ok: boolean): Report {
  const counts = /(\d+) passed, (\d+) failed/.exec(output);
  const passed = Number(counts?.[1] ?? 0);
  if (ok) return { passed, failures: [] };
  const names = [...output.matchAll(/^\s*run "([^"]+)"\.\.\. fail/gm)].map(([, name = '']) => name);
  const test = `${folder}${names.length === 0 ? '' : `: ${names.join(', ')}`}`;
  const failure = { test, output, alone: aloneCommand('terraform', folder) };
  return { passed, failures: [failure] };
}

function unescape(text: string): string {
  return text
    .replace(/<!\[CDATA\[([\s\S]*?)\]\]>/g, '$1')
    .replaceAll('&#10;', '\n')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
