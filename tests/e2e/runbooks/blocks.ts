/** The commands of the runbooks, as they stand on the pages. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.resolve(__dirname, '../../../docs/runbooks');
/** What a shell is given before the first command of any page. */
export const SETUP_PAGE = 'README';

export interface Block {
  readonly language: string;
  readonly text: string;
}

/** Every block of commands of every page, by the page's name. A block of text shows what one before it has printed. */
export function runbookBlocks(): ReadonlyMap<string, readonly Block[]> {
  const pages = readdirSync(FOLDER).filter((file) => file.endsWith('.md'));
  return new Map(
    pages.map((file) => [path.basename(file, '.md'), blocksOf(readFileSync(path.join(FOLDER, file), 'utf8'))]),
  );
}

function blocksOf(page: string): readonly Block[] {
  return [...page.matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
    .map(([, language = '', text = '']) => ({ language, text }))
    .filter(({ language }) => language !== 'text');
}

/** The pages whose failure takes operations on a topic's tables: their blocks are run where those are tested, in rewind-rebuild-forget.test.ts. */
export const PAGES_OF_TABLES = ['rewind-proposed', 'erasure-request'];
