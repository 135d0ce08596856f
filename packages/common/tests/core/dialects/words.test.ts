import { describe, expect, it } from '@jest/globals';
import metaSchema from '../../../../../schemas/meta-schema.json';
import { annotationKind } from '../../../src/core/dialects/words';

describe('annotationKind', () => {
  it.each(
    Object.entries({
      ours: ['x-cde', 'x-event-time', 'x-not-enforced', 'x-undeclared'],
      assertion: [
        'type',
        'const',
        'dependencies',
        'additionalItems',
        '$recursiveRef',
        'unevaluatedItems',
        'divisibleBy',
      ],
      annotation: [
        '$id',
        'id',
        '$comment',
        'title',
        'default',
        'example',
        'readOnly',
        'contentMediaType',
        'self',
        'unit',
      ],
      misspelling: [
        'requried',
        'x-cdee',
        'x-tpye',
        'maxLenght',
        'min',
        'regex',
        'unique',
        'x-primary-key',
        'mandatory',
      ],
    }).flatMap(([kind, words]) => words.map((word) => [word, kind] as const)),
  )('has %s for: %s', (word, kind) => {
    expect(annotationKind(word)).toBe(kind);
  });

  it.each([
    ...[
      'enumNames',
      'markdownDescription',
      'tsType',
      'javaType',
      'existingJavaType',
      'options',
      'units',
      'derivedFrom',
    ],
    ...[
      'modelTags',
      'license',
      '$schemaVersion',
      'version',
      'allowTrailingCommas',
      'enumDescriptions',
      'links',
      'nullable',
    ],
    ...['x-go-type', 'x-intellij-html-description', 'x-taplo', 'x-unit', 'abcIsValidColor', '', 'word '.repeat(1_000)],
  ])('lets %p of real schemas mean nothing', (word) => {
    expect(annotationKind(word)).toBe('annotation');
  });

  it('knows each word of a topic schema', () => {
    const words = [...Object.keys(metaSchema.properties), ...Object.keys(metaSchema.$defs.field.properties)];
    expect(words.filter((word) => annotationKind(word) === 'misspelling')).toEqual([]);
    expect(words.filter((word) => word.startsWith('x-') && annotationKind(word) !== 'ours')).toEqual([]);
  });
});
