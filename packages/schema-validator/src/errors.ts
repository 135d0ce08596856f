import type { SchemaProblem } from '@lean-ops/common/core';

/** Thrown inside, where a step finds that the schema cannot become active. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(readonly problems: readonly SchemaProblem[]) {
    super('refused');
  }
}
