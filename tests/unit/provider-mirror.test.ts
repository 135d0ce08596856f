import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findMirror } from '../../scripts/local/provider-mirror';

describe('findMirror', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'mirror-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const provider = (...above: string[]): string => {
    const dir = path.join(root, ...above);
    mkdirSync(path.join(dir, 'registry.terraform.io/hashicorp/aws'), { recursive: true });
    return dir;
  };

  it('finds the folder that holds the host directory, at most three levels down', () => {
    const mirror = provider('tools', 'plugins');
    expect(findMirror([root])).toBe(mirror);
  });

  it('does not look deeper than that', () => {
    provider('a', 'b', 'c');
    expect(findMirror([root])).toBeUndefined();
  });

  it('passes over a mirror without the AWS provider and roots that are not there', () => {
    mkdirSync(path.join(root, 'registry.terraform.io/hashicorp/random'), { recursive: true });
    expect(findMirror([root, path.join(root, 'missing')])).toBeUndefined();
  });
});
