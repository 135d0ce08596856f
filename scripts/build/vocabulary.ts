/** The reference of what a topic schema may say, written from schemas/meta-schema.json. */

import { WORDS_OF_TYPE } from '../../packages/common/src/core/keywords/words';

/** What of JSON Schema the meta-schema uses. */
interface Node {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly const?: string | boolean;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly uniqueItems?: boolean;
  readonly items?: Node;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Node | false>>;
  readonly if?: Node;
  readonly then?: Node;
  readonly allOf?: readonly Node[];
}

export interface MetaSchema extends Node {
  readonly $defs: Readonly<Record<string, Node>>;
}

const HEAD = `# Keywords of a topic schema

Written from [schemas/meta-schema.json](../schemas/meta-schema.json) by \`pnpm vocabulary\`: change that file, and not this page. What the
rules mean for rows and tables is in [topic-schema.md](topic-schema.md). Other words of JSON Schema are refused where they assert something, and mean nothing where they do not.
`;

/** The page. The same meta-schema gives the same text. */
export function vocabularyPage(meta: MetaSchema): string {
  const field = definition(meta, 'field');
  return [HEAD, section(meta, 'At the top of the file', meta, false), section(meta, 'In a field', field, true)].join(
    '\n',
  );
}

function definition({ $defs }: MetaSchema, name: string): Node {
  const found = $defs[name];
  if (found === undefined) throw new Error(`the meta-schema has no definition ${name}`);
  return found;
}

function section(meta: MetaSchema, title: string, node: Node, withTypes: boolean): string {
  const keywords = Object.entries(node.properties ?? {});
  const rows = keywords.map(([keyword, given]) => {
    const own = given === false ? {} : given;
    const rule = resolved(meta, own);
    const needed = node.required?.includes(keyword) ? ', needed' : '';
    const types = withTypes ? [typesOf(node, keyword)] : [];
    // What must be written has no default; the meta-schema's is what an editor proposes.
    const { default: standard, ...always } = rule;
    const meaning = meaningOf(needed === '' ? { ...always, default: standard } : always);
    return row([`\`${keyword}\`${needed}`, ...types, valueOf(rule), meaning]);
  });
  const heading = ['keyword', ...(withTypes ? ['for'] : []), 'value', 'meaning'];
  return `## ${title}\n\n${[row(heading), row(heading.map(() => '---')), ...rows].join('\n')}\n`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** What a node refers to, with what it says itself in front. */
function resolved(meta: MetaSchema, node: Node): Node {
  const { $ref, ...own } = node;
  return $ref === undefined ? own : { ...resolved(meta, definition(meta, $ref.replace('#/$defs/', ''))), ...own };
}

/** The types of a field that a keyword says something of: those of its values, and for words of ours those whose rules allow it. */
function typesOf(field: Node, keyword: string): string {
  const typeNode = field.properties?.['type'];
  const named = typeNode === false || typeNode === undefined ? [] : (typeNode.items?.enum ?? []);
  const all = named.filter((type) => type !== 'null');
  const about = WORDS_OF_TYPE.get(keyword);
  if (about !== undefined) return about === 'number' ? 'integer, number' : about;
  const forbidding = (field.allOf ?? [])
    .filter((rule) => rule.then?.properties?.[keyword] === false)
    .map((rule) => rule.if?.properties?.['type'])
    .map((type) => (type === false || type === undefined ? undefined : type.const));
  const allowed = all.filter((type) => !forbidding.includes(type));
  return allowed.length === all.length ? 'every type' : allowed.join(', ');
}

function valueOf(rule: Node): string {
  const { type } = rule;
  if (type === 'string' && rule.items !== undefined && rule.pattern !== undefined)
    return rule.items.enum === undefined ? `text like ${code(rule.pattern)}` : rule.items.enum.map(code).join(', ');
  if (type !== undefined && typeof type !== 'string')
    return type.map((one) => valueOf({ ...rule, type: one })).join('; or ');
  if (rule.const !== undefined) return code(rule.const);
  if (rule.enum !== undefined) return rule.enum.map(code).join(', ');
  const range = between(rule.minimum, rule.maximum, '');
  const length = between(rule.minLength, rule.maxLength, ' characters');
  switch (type) {
    case 'boolean':
      return '`true`, `false`';
    case 'integer':
      return `whole number${range}`;
    case 'number':
      return 'number';
    case 'string':
      return rule.pattern === undefined ? `text${length}` : `text like ${code(rule.pattern)}`;
    case 'array':
      return `list${rule.items?.type === 'string' ? ' of names' : ''}${between(rule.minItems, rule.maxItems, ' values')}`;
    case 'object':
      return 'object';
    case undefined:
    default:
      return 'any value';
  }
}

/** A text, or the JSON of another value, as code. */
function code(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function between(least: number | undefined, most: number | undefined, unit: string): string {
  if (least === undefined && most === undefined) return '';
  if (most === undefined) return least === 1 ? ', not empty' : `, at least ${least ?? 0}${unit}`;
  return least === undefined ? `, up to ${most}${unit}` : `, ${least} to ${most}${unit}`;
}

function meaningOf({ description = '', default: standard, examples = [] }: Node): string {
  const without = standard === undefined ? '' : ` Default: ${code(standard)}.`;
  const shown = examples.length === 0 ? '' : ` Example: ${examples.map(code).join(', ')}.`;
  return `${description}${without}${shown}`;
}
