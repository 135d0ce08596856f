import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Children } from '../../scripts/test/children';
import { holdSuites } from '../../scripts/test/held-suites';
import { jestReport, pytestReport, terraformReport } from '../../scripts/test/reports';
import { keywords, literally, selectionOf } from '../../scripts/test/selection';

describe('jestReport', () => {
  const report = (assertionResults: object[], message = ''): string =>
    JSON.stringify({
      testResults: [{ name: '/repo/tests/unit/a.test.ts', status: 'failed', message, assertionResults }],
    });

  it('counts what passed, and gives a failure its output and its own command', () => {
    const json = report([
      { status: 'passed', fullName: 'a is', failureMessages: [] },
      { status: 'pending', fullName: 'b is', failureMessages: [] },
      { status: 'failed', fullName: "a isn't", failureMessages: ['\u001b[31mexpected 1\u001b[39m'] },
    ]);
    expect(jestReport('unit', json, '/repo')).toEqual({
      passed: 1,
      failures: [
        {
          test: "tests/unit/a.test.ts::a isn't",
          output: 'expected 1',
          alone: `pnpm test unit --grep 'tests/unit/a.test.ts::a isn'\\''t'`,
        },
      ],
    });
  });

  it('takes a file that could not be loaded for one failure', () => {
    const { passed, failures } = jestReport('unit', report([], 'SyntaxError: nope'), '/repo');
    expect(passed).toBe(0);
    expect(failures).toMatchObject([{ test: 'tests/unit/a.test.ts', output: 'SyntaxError: nope' }]);
  });
});

describe('a hook that fails after every test has passed', () => {
  it('is a failure of its file', () => {
    const passed = [{ status: 'passed', fullName: 'a is', failureMessages: [] }];
    const testResults = [{ name: '/repo/a.test.ts', status: 'failed', message: 'left open', assertionResults: passed }];
    const report = jestReport('unit', JSON.stringify({ testResults }), '/repo');
    expect(report).toMatchObject({ passed: 1, failures: [{ test: 'a.test.ts', output: 'left open' }] });
  });
});

describe('selectionOf', () => {
  it.each([
    [undefined, undefined, undefined],
    ['tests/unit/links.test.ts', 'tests/unit/links.test.ts', undefined],
    ['tests/unit/links.test.ts::a link: b', 'tests/unit/links.test.ts', 'a link: b'],
    ['a name', undefined, 'a name'],
    ['leaves failed/ with every problem', undefined, 'leaves failed/ with every problem'],
  ])('%j: the file %j, the name %j', (grep, file, name) => {
    expect(selectionOf(grep)).toEqual({ file, name });
  });

  it('makes of a name what pytest and Jest take', () => {
    expect(keywords('is new, and not [there] or None')).toBe('is and new and there');
    expect(new RegExp(literally('costs $1 (a+b)?')).test('it costs $1 (a+b)? indeed')).toBe(true);
  });
});

describe('holdSuites', () => {
  it('gives a suite to one run at a time, and to the next when that one was killed', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'suites-'));
    const release = holdSuites(new Set(['unit']), folder);
    writeFileSync(path.join(folder, 'glue'), String(process.ppid));
    expect(() => holdSuites(new Set(['lint', 'glue']), folder)).toThrow(
      `glue is under way in this checkout (process ${process.ppid})`,
    );
    writeFileSync(path.join(folder, 'glue'), '999999999');
    const both = holdSuites(new Set(['lint', 'glue']), folder);
    both();
    release();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('pytestReport', () => {
  it('reads what passed, failed, broke and was skipped, with what a failing test printed', () => {
    const xml = [
      '<testsuites><testsuite name="pytest" errors="1" failures="1" tests="4">',
      '<testcase classname="tests.glue.test_a" name="test_good" file="tests/glue/test_a.py" line="3" time="0.1" />',
      '<testcase classname="tests.glue.test_a" name="test_bad[&lt;1&gt;]" file="tests/glue/test_a.py" time="0.1">',
      '<failure message="assert 1 == 2">def test_bad():&#10;&gt; assert 1 == 2</failure><system-out>said &amp; done</system-out></testcase>',
      '<testcase classname="tests.glue.test_a" name="test_broken" file="tests/glue/test_a.py" time="0"><error message="x">no fixture</error></testcase>',
      '<testcase classname="tests.glue.test_a" name="test_off" file="tests/glue/test_a.py" time="0"><skipped message="x" /></testcase>',
      '</testsuite></testsuites>',
    ].join('');
    expect(pytestReport('glue', xml)).toEqual({
      passed: 1,
      failures: [
        {
          test: 'tests/glue/test_a.py::test_bad[<1>]',
          output: 'def test_bad():\n> assert 1 == 2\nsaid & done',
          alone: "pnpm test glue --grep 'tests/glue/test_a.py::test_bad[<1>]'",
        },
        {
          test: 'tests/glue/test_a.py::test_broken',
          output: 'no fixture',
          alone: "pnpm test glue --grep 'tests/glue/test_a.py::test_broken'",
        },
      ],
    });
  });
});

describe('terraformReport', () => {
  it('names the runs that failed, and the folder to run alone', () => {
    const output = '  run "takes"... pass\n  run "refuses"... fail\nFailure! 1 passed, 1 failed.';
    expect(terraformReport('modules/state', output, false)).toEqual({
      passed: 1,
      failures: [{ test: 'modules/state: refuses', output, alone: "pnpm test terraform --grep 'modules/state'" }],
    });
    expect(terraformReport('.', 'Success! 4 passed, 0 failed.', true)).toEqual({ passed: 4, failures: [] });
  });
});

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A process that has ended and that nobody has waited for is a zombie.
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
};

async function pidsIn(file: string, count: number): Promise<number[]> {
  for (;;) {
    try {
      const pids = readFileSync(file, 'utf8').trim().split('\n').map(Number);
      if (pids.length === count) return pids;
    } catch {
      // Not there yet.
    }
    await sleep(20);
  }
}

describe('Children', () => {
  it('ends with all below them, also those that left their process group or ignore a signal', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'children-'));
    const pids = path.join(folder, 'pids');
    const script = `
      const { spawn } = require('node:child_process');
      const { appendFileSync } = require('node:fs');
      const detached = spawn('sleep', ['60'], { detached: true });
      appendFileSync(${JSON.stringify(pids)}, process.pid + '\\n' + detached.pid + '\\n');
      process.on('SIGINT', () => process.exit(0));
      setInterval(() => {}, 1000);`;
    const children = new Children(500);
    const ended = children.run({
      command: process.execPath,
      args: ['-e', script],
      cwd: folder,
      env: {},
      log: path.join(folder, 'log'),
      onLine: () => undefined,
    });
    const started = await pidsIn(pids, 2);
    expect(started.every(isRunning)).toBe(true);
    await children.end();
    await ended;
    expect(started.filter(isRunning)).toEqual([]);
    await expect(
      children.run({
        command: 'true',
        args: [],
        cwd: folder,
        env: {},
        log: path.join(folder, 'log'),
        onLine: () => undefined,
      }),
    ).resolves.toMatchObject({ ok: false });
  }, 20_000);
});

describe('pnpm test', () => {
  const run = (...args: string[]): ChildProcess =>
    spawn(process.execPath, ['--import', 'tsx', 'scripts/test/cli.ts', ...args], {
      cwd: path.resolve(__dirname, '../..'),
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  it.each([
    [['--list'], 0, /^lint .*\nunit /],
    [['nonsense'], 2, /There is no suite nonsense\. The suites are lint, unit, /],
    [['--seed', 'x'], 2, /--seed must be a whole number/],
  ])(
    '%j ends with %d',
    async (args, code, said) => {
      const child = run(...args);
      let output = '';
      child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
      expect(await new Promise((resolve) => child.once('close', resolve))).toBe(code);
      expect(output).toMatch(said);
    },
    20_000,
  );
});
