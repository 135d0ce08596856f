import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import ts from 'typescript';
import { toTypeScript } from '../../../src/core/export/typescript';
import { isObject, type JsonObject } from '../../../src/core/json/value';
import { readTopicSchema } from '../../../src/core/schema/model';
import type { TopicName } from '../../../src/core/topic';
import { drawnEvents, drawnSchemas } from './drawn-schemas';

/** The global types that the compiler cannot do without. Each has a member, as the real ones have. */
const LIBRARY = `
interface Boolean { valueOf(): boolean }
interface Number { toFixed(): string }
interface String { readonly length: number }
interface Array<T> { readonly length: number; [n: number]: T }
interface ReadonlyArray<T> { readonly length: number; readonly [n: number]: T }
${['Function', 'CallableFunction', 'NewableFunction', 'IArguments', 'Object', 'RegExp'].map((name) => `interface ${name} {}`).join('\n')}
`;

/** The lines of each TypeScript text that the compiler refuses, counted from 0. */
function refusedLines(texts: readonly string[]): Set<number>[] {
  const files = new Map([['lib.d.ts', LIBRARY], ...texts.map((text, index) => [`${index}.ts`, text] as const)]);
  const host: ts.CompilerHost = {
    getSourceFile: (name) => ts.createSourceFile(name, files.get(name) ?? '', ts.ScriptTarget.ES2022, true),
    getDefaultLibFileName: () => 'lib.d.ts',
    writeFile: () => undefined,
    getCurrentDirectory: () => '',
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    fileExists: (name) => files.has(name),
    readFile: (name) => files.get(name),
  };
  const options = { noLib: true, strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, types: [] };
  const program = ts.createProgram([...files.keys()], options, host);
  expect(program.getGlobalDiagnostics()).toEqual([]);
  return texts.map((_, index) => {
    const source = program.getSourceFile(`${index}.ts`);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return new Set(found.map(({ start }) => source?.getLineAndCharacterOfPosition(start ?? 0).line ?? -1));
  });
}

/** The event without its null members: in a flattened object they are absent. */
function withoutNulls(value: unknown, node: JsonObject): unknown {
  const { properties } = node;
  if (!isObject(value) || node['type'] !== 'object' || node['x-flatten'] === false || !isObject(properties))
    return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) =>
      member === null ? [] : [[name, withoutNulls(member, isObject(properties[name]) ? properties[name] : {})]],
    ),
  );
}

/** The keywords that types express. */
const OF_TYPES = new Set(['type', 'required', 'enum', 'const']);

describe('toTypeScript', () => {
  it('has every event that the schema accepts, and none that it refuses for its types', () => {
    const seen = { accepted: 0, refused: 0 };
    const cases = drawnSchemas.chain((source) =>
      fc.record({
        source: fc.constant(source),
        events: fc.array(drawnEvents(source.document), { minLength: 12, maxLength: 12 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(cases, { minLength: 1, maxLength: 12 }), (drawn) => {
        const exported = drawn.map(({ source }) => toTypeScript(source));
        const refused = refusedLines(
          drawn.map(({ events }, index) =>
            [
              exported[index],
              ...events.map((event, at) => `export const e${at}: VehiclePosition2 = ${JSON.stringify(event)};`),
            ].join('\n'),
          ),
        );
        for (const [index, { source, events }] of drawn.entries()) {
          const types = exported[index]!;
          const first = types.split('\n').length;
          const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false, ownProperties: true });
          const validate = ajv.compile(source.document);
          for (const [at, event] of events.entries()) {
            const valid = validate(withoutNulls(event, source.document));
            const ofTypes = (validate.errors ?? []).some(
              ({ keyword, schemaPath }) => OF_TYPES.has(keyword) && !schemaPath.includes('/anyOf/'),
            );
            const compiles = !refused[index]!.has(first + at);
            seen[compiles ? 'accepted' : 'refused'] += 1;
            if (valid || ofTypes) expect([types, event, compiles]).toEqual([types, event, valid]);
          }
          expect([...refused[index]!].filter((line) => line < first)).toEqual([]);
        }
      }),
      { numRuns: 6 },
    );
    expect(seen.accepted).toBeGreaterThan(200);
    expect(seen.refused).toBeGreaterThan(100);
  });

  it('makes the variants of an event a union', () => {
    const topic = 'door' as TopicName;
    const document = {
      'x-topic': topic,
      'x-version': 1,
      title: 'Doors',
      type: 'object',
      required: ['kind'],
      properties: {
        kind: { type: 'string', enum: ['open', 'fault'], description: 'What happened.' },
        code: { type: 'integer' },
      },
      oneOf: [
        { properties: { kind: { const: 'open' } } },
        { properties: { kind: { const: 'fault' } }, required: ['code'] },
      ],
    };
    const text = JSON.stringify(document);
    const types = toTypeScript({
      topic,
      text,
      document,
      schema: readTopicSchema(text, document),
      lake: { databasePrefix: 'lean', bucket: 'lake' },
    });
    expect(types).toBe(`/**
 * Doors
 * Topic door, version 1.
 */
export type Door = ({
  /** What happened. */
  readonly kind: "open" | "fault";
  readonly code?: number | null;
}) & (({ readonly kind?: "open" | null }) | ({ readonly kind?: "fault" | null; readonly code: unknown }));
`);
    const [refused] = refusedLines([
      [
        types,
        'const a: Door = {"kind": "open"};',
        'const b: Door = {"kind": "fault", "code": 3};',
        'const c: Door = {"kind": "fault"};',
      ].join('\n'),
    ]);
    expect([...refused!]).toEqual([types.split('\n').length + 2]);
  });
});
