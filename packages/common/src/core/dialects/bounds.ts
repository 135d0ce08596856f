import { copied, rename, warn, type Translating, type Writing } from './copy';
import { pointerTo } from '../json/value';

type Bound = 'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum';

const EXCLUSIVE = { minimum: 'exclusiveMinimum', maximum: 'exclusiveMaximum' } as const;
const INCLUSIVE = { exclusiveMinimum: 'minimum', exclusiveMaximum: 'maximum' } as const;

/** Writes a bound. In draft-04 `exclusiveMinimum` is true or false, and says whether `minimum` itself is out. */
export function bound(context: Translating, word: Bound, writing: Writing): void {
  const { node, old, members, resource } = writing;
  const value = node[word];
  const path = pointerTo(old, word);
  const hasFlags = resource.draft === 4 || resource.draft === 'latest';
  if (word === 'minimum' || word === 'maximum') {
    const isOut = hasFlags && node[EXCLUSIVE[word]] === true && typeof value === 'number';
    if (!isOut) members.set(word, copied(context, value, path));
    return;
  }
  if (!hasFlags || typeof value !== 'boolean') {
    members.set(word, copied(context, value, path));
    return;
  }
  context.changed = true;
  const limit = node[INCLUSIVE[word]];
  if (value && typeof limit === 'number') {
    rename(writing, word, INCLUSIVE[word], limit);
  } else if (value) {
    warn(
      context,
      'WITHOUT_EFFECT',
      path,
      `"${word}": true says nothing without "${INCLUSIVE[word]}"`,
      `add "${INCLUSIVE[word]}", or take it out`,
    );
  }
}
