import { Ajv, type Options, type ValidateFunction } from 'ajv';
import Ajv04 from 'ajv-draft-04';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import draft06 from 'ajv/dist/refs/json-schema-draft-06.json';
import type { JsonObject } from '../../../src/core/json/value';

/** The drafts that are read, by their `$schema`. */
export const URIS = {
  4: 'http://json-schema.org/draft-04/schema#',
  6: 'http://json-schema.org/draft-06/schema#',
  7: 'http://json-schema.org/draft-07/schema#',
  2019: 'https://json-schema.org/draft/2019-09/schema',
  2020: 'https://json-schema.org/draft/2020-12/schema',
} as const;
export type DraftNumber = keyof typeof URIS;
export const DRAFTS = Object.keys(URIS).map(Number) as DraftNumber[];

const OPTIONS: Options = { strict: false, validateFormats: false, logger: false };
/** Up to draft-07 nothing counts beside a `$ref`. Without the option ajv has it count. */
const ALONE = { ...OPTIONS, ignoreKeywordsWithRef: true };

/** ajv of each draft. Its class for draft-07 reads draft-06, too, where `if` is not asked about. Making one takes 20 ms. */
const READERS = {
  4: new Ajv04(ALONE),
  6: new Ajv(ALONE).addMetaSchema(draft06),
  7: new Ajv(ALONE),
  2019: new Ajv2019(OPTIONS),
  2020: new Ajv2020(OPTIONS),
};

export function compileAs(draft: DraftNumber, schema: JsonObject): ValidateFunction {
  const own = { ...schema };
  try {
    return READERS[draft].compile(own);
  } finally {
    READERS[draft].removeSchema(own);
  }
}
