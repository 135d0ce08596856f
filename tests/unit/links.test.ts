/** Pages and comments point to things that are there: links with their anchors, paths of this repository. No network. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = path.resolve(__dirname, '../..');

/** Files that Git knows or would take, and that are there. */
const FILES = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: ROOT, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && existsSync(path.join(ROOT, file)));
const PAGES = FILES.filter((file) => file.endsWith('.md'));

function parents(file: string): string[] {
  const parent = path.dirname(file);
  return parent === '.' ? ['.'] : [parent, ...parents(parent)];
}

/** Files and folders. What is built or installed is none of them: a fresh clone does not have it. */
const KNOWN = new Set([...FILES, ...FILES.flatMap(parents)]);

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

interface Page {
  /** Without code: links and headings are in here. */
  readonly prose: string;
  /** Code spans, and lines of shell: paths are in here. */
  readonly code: readonly string[];
}

const FENCE = /^( *)(`{3,}|~{3,})([^\n]*)\n([\s\S]*?)^ *\2[`~]*[ \t]*$/gm;
const SPAN = /(?<!`)(`+)(?!`)([\s\S]*?[^`])\1(?!`)/g;

function readPage(text: string): Page {
  const fences = [...text.matchAll(FENCE)];
  const outside = text.replace(FENCE, '').replace(/<!--[\s\S]*?-->/g, '');
  return {
    prose: outside.replace(SPAN, ''),
    code: [
      ...[...outside.matchAll(SPAN)].map(([, , span = '']) => span),
      ...fences.filter(([, , , language = '']) => /^(?:sh|bash)\b/.test(language)).map(([, , , , body = '']) => body),
    ],
  };
}

/** Targets of links and images: inline, by reference, and in HTML. */
function targetsOf({ prose }: Page): string[] {
  const inline = prose.matchAll(/\]\(\s*<?([^()\s<>]*(?:\([^()\s]*\)[^()\s<>]*)*)>?(?:\s+"[^"]*")?\s*\)/g);
  const references = prose.matchAll(/^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/gm);
  const html = prose.matchAll(/<(?:a|img)\b[^>]*\b(?:href|src)="([^"]*)"/g);
  return [...inline, ...references, ...html].map(([, target = '']) => target);
}

/** Anchors of a page's headings, by the rules of GitHub: github-slugger has them in the same words. */
function anchorsOf(text: string): Set<string> {
  const seen = new Map<string, number>();
  const outside = text.replace(FENCE, '');
  const anchors = [...outside.matchAll(/^ {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*$/gm)].map(([, heading = '']) => {
    const shown = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/<[^>]+>/g, '');
    const slug = shown
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
  return new Set([...anchors, ...[...outside.matchAll(/<a\b[^>]*\b(?:id|name)="([^"]+)"/g)].map(([, id = '']) => id)]);
}

/** Says why a link is wrong; undefined for one that is right. */
function brokenLink(page: string, target: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined; // another site's
  const [place = '', anchor] = decodeURIComponent(target).split('#');
  const file = place === '' ? page : path.normalize(path.join(path.dirname(page), place)).replace(/\/$/, '');
  if (!KNOWN.has(file)) return `${page}: ${target} is not there`;
  if (anchor === undefined || (!file.endsWith('.md') && /^L\d+(?:-L\d+)?$/.test(anchor))) return undefined;
  const anchors = file.endsWith('.md') ? anchorsOf(read(file)) : new Set<string>();
  return anchors.has(anchor) ? undefined : `${page}: ${target} has no such heading`;
}

/** From a word that begins as a path of this repository to the end of the path; placeholders and globs included. */
const PATH = /(?<![\w./@{}$:~-])(?:packages|scripts|tests|modules|schemas|docs)\/(?:[\w.{},*<>$…/-]*[\w}*>…/])?/g;
/** Keys of the schema bucket begin as paths do. */
const BUCKET_KEY = /^schemas\/[^/]+\/(?:\{|pending|active|failed|archive)/;
/** From here on a path stands for many: `{topic}`, `*`, `<name>`, `$1`, `…`, or a word in capitals as NAME. */
const PLACEHOLDER = /[{*<$…]|(?<=\/)[A-Z]{2,}(?=[/.]|$)(?!\.md)/;

/** Paths in a text that are not there. Of one with a placeholder only the folder before it has to be. */
function missingPaths(text: string): string[] {
  return [...text.matchAll(PATH)]
    .map(([found]) => found.replace(/[./]+$/, ''))
    .filter((found) => !BUCKET_KEY.test(found))
    .filter((found) => {
      const at = found.search(PLACEHOLDER);
      const checked = at === -1 ? found : path.dirname(`${found.slice(0, at)}x`);
      // A decision may be called by its number.
      if (/^docs\/decisions\/\d{4}$/.test(checked)) return !FILES.some((file) => file.startsWith(`${checked}-`));
      return !KNOWN.has(checked);
    });
}

/** Comments of a source file, and the docstrings of Python. */
function commentsOf(file: string): string {
  const text = read(file);
  const patterns = /\.(?:ts|mjs)$/.test(file)
    ? [/(?:^|\s)\/\*[*\s][\s\S]*?\*\//g, /(?:^|\s)\/\/\s.*/g]
    : [/"""[\s\S]*?"""/g, /(?:^|\s)#\s.*/g];
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([comment]) => comment)).join('\n');
}

describe('the checks of this file', () => {
  it('find links wherever Markdown has them, and none in code', () => {
    const page = readPage(
      'A [b](c.md "title") and ![d](e.png) and [![f](g.png)](h.md).\n[i]: j.md\n<img src="k.png">\n`[l](m.md)`\n```sh\n[n](o.md)\n```\n[p](q_(r).md)\n',
    );
    expect(targetsOf(page).sort()).toEqual(['c.md', 'e.png', 'g.png', 'h.md', 'j.md', 'k.png', 'q_(r).md']);
    expect(page.code).toEqual(['[l](m.md)', '[n](o.md)\n']);
  });

  it.each([
    ['# Run it here', 'run-it-here'],
    ['## What `x-cde` means, and why…', 'what-x-cde-means-and-why'],
    ['### [0014](a.md) — Größe & "more"', '0014--größe--more'],
    ['# A\n# A', 'a-1'],
  ])('make of %j the anchor %s, as GitHub does', (text, anchor) => {
    expect([...anchorsOf(text)]).toContain(anchor);
  });

  it('tell a link that is there from one that is not', () => {
    const broken = (target: string) => brokenLink('docs/decisions/README.md', target);
    expect(['../../schemas', 'https://example.org/x', '../../README.md#run-it-here'].map(broken)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(broken('0000-nothing.md')).toMatch(/is not there$/);
    expect(broken('../../README.md#nothing')).toMatch(/no such heading$/);
  });

  it('tell paths that are there from those that are not', () => {
    const text =
      'tests/unit/links.test.ts, docs/decisions/0014. `scripts/glue/*.py` packages/NAME/src schemas/{topic}/schema.json ' +
      'schemas/a.b/active/schema.json, ./tests/none https://x.org/docs/none';
    expect(missingPaths(text)).toEqual([]);
    expect(missingPaths('tests/none.ts; docs/decisions/9999 and scripts/none/*.py')).toEqual([
      'tests/none.ts',
      'docs/decisions/9999',
      'scripts/none/*.py',
    ]);
  });
});

describe('pages', () => {
  it('are found', () => {
    expect(PAGES.length).toBeGreaterThan(30);
  });

  it.each(PAGES)('%s: every link resolves', (page) => {
    const broken = targetsOf(readPage(read(page))).map((target) => brokenLink(page, target));
    expect(broken.filter((fault) => fault !== undefined)).toEqual([]);
  });

  // The changelog tells of what was.
  it.each(PAGES.filter((page) => page !== 'CHANGELOG.md'))('%s: every path in code is there', (page) => {
    expect(readPage(read(page)).code.flatMap(missingPaths)).toEqual([]);
  });
});

describe('the index of decisions', () => {
  it('has a line for each decision, in order', () => {
    const decisions = FILES.filter((file) => /^docs\/decisions\/\d{4}-/.test(file)).map((file) => path.basename(file));
    const lines = read('docs/decisions/README.md').matchAll(/^\| \[(\d{4})\]\((\S+)\) \| \S/gm);
    expect([...lines].map(([, number, file]) => [number, file])).toEqual(
      [...new Set(decisions)].sort().map((file) => [file.slice(0, 4), file]),
    );
  });
});

describe('sources', () => {
  it('name no path in a comment that is not there', () => {
    const sources = FILES.filter((file) => /\.(?:ts|mjs|py|tf|hcl|ya?ml|toml)$/.test(file)).filter(
      (file) => file !== 'pnpm-lock.yaml' && file !== path.relative(ROOT, __filename),
    );
    expect(sources.length).toBeGreaterThan(400);
    const missing = sources.flatMap((file) => missingPaths(commentsOf(file)).map((found) => `${file}: ${found}`));
    expect(missing).toEqual([]);
  });

  it('cite pages that are part of the repository', () => {
    // A page by that name is none of them. The name is put together here, or this line would be found.
    const name = ['DES', 'IGN'].join('');
    const texts = FILES.filter((file) => /\.(?:md|ts|mjs|py|tf|hcl|ya?ml|toml|json)$/.test(file));
    expect(texts.filter((file) => new RegExp(`\\b${name}\\b`).test(read(file)))).toEqual([]);
  });
});
