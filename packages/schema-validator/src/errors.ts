import { LeanOpsError, type SchemaProblem } from '@lean-ops/common/core';

/** A step found that the schema cannot become active. It is thrown and caught inside this package. */
export class SchemaRefusedError extends LeanOpsError {
  override readonly name = 'SchemaRefusedError';

  constructor(
    readonly problems: readonly SchemaProblem[],
    options: { readonly cause?: unknown } = {},
  ) {
    super('SCHEMA_REFUSED', 'the schema was refused', options);
  }
}
