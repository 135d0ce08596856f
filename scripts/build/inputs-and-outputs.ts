/** Tables of a Terraform module's inputs and outputs, for its README. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { convertFiles } from '@cdktn/hcl2json';

/** The generated part of a README stands between these two lines. */
const BEGIN = '<!-- BEGIN inputs and outputs -->';
const END = '<!-- END inputs and outputs -->';

/** A module as HashiCorp's parser gives it: blocks by name, and expressions as text in `${…}`. */
interface Module {
  readonly variable?: Readonly<Record<string, readonly Input[]>>;
  readonly output?: Readonly<Record<string, readonly Output[]>>;
}

interface Input {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
}

interface Output {
  readonly description?: string;
}

/** Folders below `modules` that hold a module, from the root of the repository; a module can hold another. */
export function moduleFolders(root: string): string[] {
  return readdirSync(path.join(root, 'modules'), { recursive: true, encoding: 'utf8' })
    .filter((file) => path.basename(file) === 'variables.tf')
    .map((file) => path.join('modules', path.dirname(file)))
    .sort();
}

/** A type as one line: HCL's objects put each attribute on its own line, with the equal signs aligned. */
function typeOnOneLine(type: string): string {
  return type
    .replace(/^\$\{([\s\S]*)\}$/, '$1')
    .replace(/\{\s*\n\s*/g, '{ ')
    .replace(/\s*\n\s*\}/g, ' }')
    .replace(/\s*\n\s*/g, ', ')
    .replace(/ +/g, ' ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** @param folder path of the module. @throws Error when its files are not HCL. */
export async function inputsAndOutputs(folder: string): Promise<string> {
  const module = (await convertFiles(folder)) as Module;
  const inputs = Object.entries(module.variable ?? {}).map(([name, [input]]) => [
    `\`${name}\``,
    `\`${typeOnOneLine(input?.type ?? 'any')}\``,
    input !== undefined && 'default' in input ? `\`${JSON.stringify(input.default)}\`` : 'required',
    input?.description ?? '',
  ]);
  const outputs = Object.entries(module.output ?? {}).map(([name, [output]]) => [
    `\`${name}\``,
    output?.description ?? '',
  ]);
  return [
    '## Inputs',
    table(['input', 'type', 'default', 'meaning'], inputs),
    '## Outputs',
    table(['output', 'meaning'], outputs),
  ].join('\n\n');
}

/** The README with its generated part replaced. @throws Error when the two lines that enclose the part are not there. */
export function withGenerated(readme: string, generated: string): string {
  const [before, rest] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (before === -1 || rest < before) throw new Error(`the lines "${BEGIN}" and "${END}" are missing`);
  return `${readme.slice(0, before)}${BEGIN}\n\n${generated}\n\n${readme.slice(rest)}`;
}

export interface Readme {
  /** Path from the root of the repository. */
  readonly file: string;
  readonly text: string;
  /** The text that the module's files give; the same as `text` when the README is current. */
  readonly current: string;
}

/** @param folder a module, from the root of the repository. @throws Error that names the README or the folder. */
export async function moduleReadme(root: string, folder: string): Promise<Readme> {
  const file = path.posix.join(folder.split(path.sep).join('/'), 'README.md');
  try {
    const text = readFileSync(path.join(root, file), 'utf8');
    return { file, text, current: withGenerated(text, await inputsAndOutputs(path.join(root, folder))) };
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
