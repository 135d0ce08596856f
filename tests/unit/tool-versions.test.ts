import { describe, expect, it } from '@jest/globals';
import { choosePython, nodeProblem, terraformProblem, type FoundPython } from '../../scripts/local/tool-versions';

const python = (version: string, hasVenv = true): FoundPython => ({
  command: `/usr/bin/python${version}`,
  version,
  hasVenv,
});

describe('choosePython', () => {
  it('prefers 3.11, the version of Glue, whatever its name and place in the list', () => {
    expect(choosePython([python('3.13.0'), python('3.12.1'), python('3.11.7')])).toMatchObject({ version: '3.11.7' });
  });

  it('takes 3.12 when there is no 3.11', () => {
    expect(choosePython([python('3.10.13'), python('3.12.1')])).toMatchObject({ version: '3.12.1' });
  });

  it.each([['3.10.13'], ['3.13.0'], ['3.9.18'], ['2.7.18']])('names what it found when that is only %s', (version) => {
    const choice = choosePython([python(version)]);
    expect(choice).toHaveProperty('problem', expect.stringMatching(new RegExp(`3\\.11 or 3\\.12 .*${version}`)));
    expect((choice as { problem: string }).problem).not.toContain('\n');
  });

  it('says so when there is none', () => {
    expect(choosePython([])).toHaveProperty('problem', expect.stringContaining('no Python is on the PATH'));
  });

  it('does not take a Python that cannot make a virtual environment', () => {
    expect(choosePython([python('3.11.2', false)])).toHaveProperty('problem', expect.stringContaining('python3-venv'));
    expect(choosePython([python('3.11.2', false), python('3.12.1')])).toMatchObject({ version: '3.12.1' });
  });
});

describe('nodeProblem', () => {
  it.each([
    ['20.19.0', undefined],
    ['22.1.0', undefined],
    ['20.18.3', expect.stringContaining('20.19')],
    ['18.20.0', expect.stringContaining('18.20.0')],
  ])('%s', (version, expected) => {
    expect(nodeProblem(version)).toEqual(expected);
  });
});

describe('terraformProblem', () => {
  it('asks for Terraform when there is none, and for a newer one when it is old', () => {
    expect(terraformProblem(undefined)).toContain('not on the PATH');
    expect(terraformProblem('1.8.5')).toContain('1.8.5');
    expect(terraformProblem('1.9.0')).toBeUndefined();
    expect(terraformProblem('2.0.1')).toBeUndefined();
  });
});
