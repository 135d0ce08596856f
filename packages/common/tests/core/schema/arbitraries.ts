import fc from 'fast-check';
import type { Constraints, SchemaColumn, TopicSchema } from '../../../src/core/schema/model';

const TYPES = [
  ['string', 'string'],
  ['array', 'string'],
  ['string', 'timestamp'],
  ['string', 'date'],
  ['integer', 'int'],
  ['integer', 'bigint'],
  ['number', 'float'],
  ['number', 'double'],
  ['number', 'decimal(10,2)'],
  ['number', 'decimal(12,2)'],
  ['number', 'decimal(12,3)'],
  ['boolean', 'boolean'],
] as const;

const small = fc.integer({ min: 0, max: 4 }).map(String);

const constraints: fc.Arbitrary<Constraints> = fc.record(
  {
    enum: fc.uniqueArray(fc.constantFrom('"a"', '"b"', '"c"'), { minLength: 1 }),
    minimum: small,
    exclusiveMinimum: small,
    maximum: small,
    exclusiveMaximum: small,
    minLength: small,
    maxLength: small,
    pattern: fc.constantFrom('^a', '^b'),
  },
  { requiredKeys: [] },
);

const column = (name: string): fc.Arbitrary<SchemaColumn> =>
  fc
    .record({
      type: fc.constantFrom(...TYPES),
      cde: fc.boolean(),
      required: fc.boolean(),
      description: fc.option(fc.constantFrom('one', 'another'), { nil: undefined }),
      constraints,
    })
    .map(({ type: [jsonType, athenaType], ...rest }) => ({
      path: [name],
      pointer: `/properties/${name}`,
      column: name,
      jsonType,
      athenaType,
      formerNames: [],
      reading: '',
      opaque: false,
      title: undefined,
      ...rest,
    }));

/** Schemas of one topic over few names and values, so that two of them have something in common. */
export const topicSchemas: fc.Arbitrary<TopicSchema> = fc
  .tuple(
    fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 }).chain((names) => fc.tuple(...names.map(column))),
    fc.boolean(),
    fc.integer({ min: 1, max: 9 }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([columns, eventTimeStable, version, declares, flattens]) => ({
    topic: 'telemetry.climate',
    version,
    title: undefined,
    description: undefined,
    eventTime: declares ? columns.find(mayBeEventTime)?.column : undefined,
    eventTimeStable,
    backfill: false,
    replayErrors: false,
    breakingReason: undefined,
    undeclared: 'record' as const,
    columns,
    objects: [],
    root: { rules: {}, cde: false },
    opaquePaths: flattens ? [] : columns.filter(({ athenaType }) => athenaType === 'string').map(({ path }) => path),
  }));

/** Whether `checkSchema` accepts a column's field as the one that x-event-time names. */
function mayBeEventTime({ athenaType, cde }: SchemaColumn): boolean {
  return cde && ['timestamp', 'date'].includes(athenaType);
}

const PROMOTED: Readonly<Record<string, string>> = {
  int: 'bigint',
  float: 'double',
  'decimal(10,2)': 'decimal(12,2)',
};

function looserConstraints(before: Constraints, drop: number, more: number): Constraints {
  const moved = (bound: string | undefined, by: number) =>
    bound === undefined ? undefined : String(Number(bound) + by);
  const loosened: [keyof Constraints, unknown][] = [
    ['enum', before.enum && [...before.enum, '"d"', '"e"'].slice(0, before.enum.length + more)],
    ['minimum', moved(before.minimum, -more)],
    ['exclusiveMinimum', moved(before.exclusiveMinimum, -more)],
    ['maximum', moved(before.maximum, more)],
    ['exclusiveMaximum', moved(before.exclusiveMaximum, more)],
    ['minLength', before.minLength && String(Math.max(0, Number(before.minLength) - more))],
    ['maxLength', moved(before.maxLength, more)],
    ['pattern', before.pattern],
  ];
  return Object.fromEntries(loosened.filter(([, value], index) => value !== undefined && ((drop >> index) & 1) === 0));
}

/** The column under another name, which keeps its values. */
function underAnotherName(column: SchemaColumn, version: number): SchemaColumn {
  const name = `${column.column}_of_${version}`;
  const { path, column: before, formerNames } = column;
  return {
    ...column,
    path: [name],
    pointer: `/properties/${name}`,
    column: name,
    formerNames: [{ path, column: before }, ...formerNames],
  };
}

/** Compatible successors of a schema, with wider types, looser rules, other names, fewer promises or one more column. */
export function looserThan(schema: TopicSchema): fc.Arbitrary<TopicSchema> {
  const choices = fc.tuple(fc.boolean(), fc.boolean(), fc.nat(255), fc.nat(2));
  return fc
    .tuple(
      fc.array(choices, { minLength: schema.columns.length, maxLength: schema.columns.length }),
      fc.boolean(),
      fc.boolean(),
      fc.nat(7),
    )
    .map(([chosen, grows, promise, renamed]) => {
      const columns = schema.columns.map((before, index): SchemaColumn => {
        const [promotes, frees, drop, more] = chosen[index] ?? [false, false, 0, 0];
        const named =
          index === renamed && before.column !== schema.eventTime
            ? underAnotherName(before, schema.version + 1)
            : before;
        return {
          ...named,
          athenaType: promotes ? (PROMOTED[before.athenaType] ?? before.athenaType) : before.athenaType,
          cde: before.cde && (!frees || before.column === schema.eventTime),
          required: before.required && !frees,
          constraints: looserConstraints(before.constraints, drop, more),
        };
      });
      const name = `new_${schema.columns.length}`;
      const added: SchemaColumn = {
        path: [name],
        pointer: `/properties/${name}`,
        column: name,
        jsonType: 'string',
        athenaType: 'string',
        cde: false,
        required: false,
        formerNames: [],
        reading: '',
        opaque: false,
        title: undefined,
        description: undefined,
        constraints: {},
      };
      return {
        ...schema,
        version: schema.version + 1,
        // A promise may be taken back.
        eventTimeStable: schema.eventTimeStable && promise,
        columns: grows ? [...columns, added] : columns,
      };
    });
}

/** A schema and a compatible successor of it. */
export const compatiblePairs = topicSchemas.chain((schema) =>
  looserThan(schema).map((next) => [schema, next] as const),
);
