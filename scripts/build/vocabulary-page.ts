/** Writes docs/schema-keywords.md from schemas/meta-schema.json. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { vocabularyPage, type MetaSchema } from './vocabulary';

const ROOT = path.resolve(import.meta.dirname, '../..');
const meta = JSON.parse(readFileSync(path.join(ROOT, 'schemas/meta-schema.json'), 'utf8')) as MetaSchema;
writeFileSync(path.join(ROOT, 'docs/schema-keywords.md'), vocabularyPage(meta));
