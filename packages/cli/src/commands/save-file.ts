import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '@lean-ops/common/core';
import { CliError } from '../errors';

/**
 * Writes a new file, and the folders around it.
 *
 * @param shown the path as the user gave it, from `cwd` on
 * @throws CliError when the file exists, as it may be somebody's work, or cannot be written
 */
export async function saveFile(shown: string, text: string, cwd: string): Promise<void> {
  const file = path.resolve(cwd, shown);
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new CliError(`${shown} exists already, and is not overwritten.`, { cause: error });
    }
    throw new CliError(`${shown} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
