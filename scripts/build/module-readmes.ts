/** Writes the tables of inputs and outputs into the modules' READMEs; with `--check` it only tells which are out of date. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { moduleFolders, moduleReadme } from './inputs-and-outputs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const COMMAND = 'npx --yes pnpm@12 module-readmes';

const readmes = await Promise.all(moduleFolders(ROOT).map((folder) => moduleReadme(ROOT, folder)));
const outdated = readmes.filter(({ text, current }) => text !== current);
const files = outdated.map(({ file }) => file).join('\n');

if (process.argv.includes('--check')) {
  if (outdated.length > 0) {
    console.error(`These files lack what changed in inputs or outputs of their modules:\n${files}\nRun: ${COMMAND}`);
    process.exitCode = 1;
  }
} else {
  for (const { file, current } of outdated) writeFileSync(path.join(ROOT, file), current);
  console.log(outdated.length === 0 ? 'Every README is current.' : files);
}
