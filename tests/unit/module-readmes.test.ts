import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { inputsAndOutputs, moduleFolders, moduleReadme, withGenerated } from '../../scripts/build/inputs-and-outputs';

const ROOT = path.resolve(__dirname, '../..');

describe('the README of each module', () => {
  it.each(moduleFolders(ROOT))(
    '%s has its inputs and outputs; otherwise run: npx --yes pnpm@12 module-readmes',
    async (folder) => {
      const { text, current } = await moduleReadme(ROOT, folder);
      expect(text).toBe(current);
    },
  );
});

describe('inputsAndOutputs', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'module-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('shows types on one line, defaults as Terraform has them, and what is required', async () => {
    writeFileSync(
      path.join(folder, 'variables.tf'),
      `variable "buckets" {
        description = "Lake | archive."
        type = object({
          lake    = string
          archive = optional(map(number), {})
        })
      }
      variable "days" {
        description = "Days."
        type        = number
        default     = 7
      }
      output "name" {
        description = "Name of \`it\`."
        value       = "x-\${var.days}"
      }`,
    );
    expect(await inputsAndOutputs(folder)).toBe(
      `## Inputs

| input | type | default | meaning |
| --- | --- | --- | --- |
| \`buckets\` | \`object({ lake = string, archive = optional(map(number), {}) })\` | required | Lake \\| archive. |
| \`days\` | \`number\` | \`7\` | Days. |

## Outputs

| output | meaning |
| --- | --- |
| \`name\` | Name of \`it\`. |`,
    );
  });

  it('fails on what is no HCL', async () => {
    writeFileSync(path.join(folder, 'variables.tf'), 'variable "days" {');
    await expect(inputsAndOutputs(folder)).rejects.toThrow(/hcl/i);
  });
});

describe('withGenerated', () => {
  const [begin, end] = ['<!-- BEGIN inputs and outputs -->', '<!-- END inputs and outputs -->'];

  it('replaces what stands between the two lines, and nothing else', () => {
    expect(withGenerated(`# a\n\n${begin}\nold\n${end}\nb\n`, 'new')).toBe(`# a\n\n${begin}\n\nnew\n\n${end}\nb\n`);
  });

  it.each(['# a\n', `${begin}\n`, `${end}\n${begin}\n`])('says that the lines are missing in %j', (readme) => {
    expect(() => withGenerated(readme, 'new')).toThrow('are missing');
  });
});
