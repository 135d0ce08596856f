/**
 * Whether a schema holds for the value of a leaf, as SQL over the leaf's text. The twins are
 * scripts/glue/lean_ops/validation/interpret.py, which says what value a text stands for, and json_value.py;
 * tests/glue/validation/test_validation_sql.py holds them equal.
 *
 * What is inside of arrays and objects no statement is about: a condition that depends on it is undefined. A text in
 * brackets or braces counts as JSON wherever the leaf may be an array or an object.
 */
import { isObject, pointerTo } from '../json/value';
import { allOf, anyOf, not } from './boolean-sql';
import { dateSql, dateTimeSql, looksSql } from './casts';
import { exactText, patternSql } from './constraints';
import { isFormatSql } from './formats';
import { emptyObjectIsValid } from './empty-object';
import { implied, placeConditions, valueOf, type Condition, type PlaceConditions } from './in-place';
import { comparedSql, isAmongSql, isMultipleSql, type NumberText } from './number-sql';
import { quantized } from './exact-decimal';
import { RULE_KEYWORDS, type SchemaAt, type ValidationField, type ValidationSchema } from './validation-schema';
import { WORDS_OF_TYPE } from '../keywords/words';
import { comparesDoubles } from '../schema/model';

/** A leaf as conditions read it. */
export interface LeafSql {
  readonly field: ValidationField;
  /** The quoted name of its text. */
  readonly text: string;
  /** Whether an object came in its place, of which only members' columns are left. */
  readonly instead: string;
  /** The names of the parts of the text's number, which the statement has once they were asked for. */
  readonly number: () => NumberText;
  /** The name of the value as castSql gives it, likewise; undefined where every text is a value. */
  readonly value: () => string | undefined;
}

const ALL_TYPES = ['array', 'boolean', 'number', 'object', 'string'];

/** Makes the conditions of a leaf, which count where it has a text or an object came in its place. */
export function leafConditions(schema: ValidationSchema, leaf: LeafSql): PlaceConditions {
  const { field, text } = leaf;
  // A text that is none of the leaf's types is judged by its looks.
  const types = field.types.includes('string') ? field.types : ALL_TYPES;
  const conditions = placeConditions(schema, field.column, ['type', ...RULE_KEYWORDS], own);

  /** Whether the value is of a type. */
  function is(type: string): string {
    if (type === 'string') {
      return types.includes(type) ? allOf(types.filter((one) => one !== type).map((one) => not(is(one)))) : 'FALSE';
    }
    if (type === 'number') return types.includes(type) ? looks('number') : is('integer');
    if (type === 'integer') return types.includes('number') || types.includes(type) ? looks('integer') : 'FALSE';
    return types.includes(type) ? looks(type) : 'FALSE';
  }

  function looks(type: string): string {
    const needsNumber = type === 'number' || type === 'integer';
    return looksSql(text, needsNumber ? leaf.number() : { digits: '', point: '' })[type] ?? 'FALSE';
  }

  function own(at: SchemaAt, keyword: string): Condition {
    const value = valueOf(at, keyword);
    const pointer = pointerTo(at.pointer, keyword);
    switch (keyword) {
      case 'type':
        return anyOf([value].flat().map((type) => is(String(type))));
      case 'enum':
        return among((value as unknown[]).map((one, index) => [one, pointerTo(pointer, index)]));
      case 'const':
        return among([[value, pointer]]);
      case 'minimum':
        return ofNumbers(() => not(relation('<', schema.numberAt(pointer))));
      case 'maximum':
        return ofNumbers(() => not(relation('>', schema.numberAt(pointer))));
      case 'exclusiveMinimum':
        return ofNumbers(() => relation('>', schema.numberAt(pointer)));
      case 'exclusiveMaximum':
        return ofNumbers(() => relation('<', schema.numberAt(pointer)));
      case 'multipleOf':
        return ofNumbers(() => isMultipleSql(leaf.number(), schema.numberAt(pointer)));
      case 'minLength':
        return implied(is('string'), `length(${text}) >= ${quantized(schema.numberAt(pointer), 0, 'ceiling')}`);
      case 'maxLength':
        return implied(is('string'), `length(${text}) <= ${quantized(schema.numberAt(pointer), 0, 'floor')}`);
      case 'pattern':
        return implied(is('string'), patternSql(text, String(value), schema.isSlow));
      case 'format':
        return implied(is('string'), formatSql(String(value)));
      default:
        return ofContainers(keyword, value);
    }
  }

  function ofNumbers(condition: () => Condition): Condition {
    const isNumber = is('number');
    return isNumber === 'FALSE' ? 'TRUE' : implied(isNumber, condition());
  }

  /** What is said of arrays and objects depends on what is inside, unless the leaf cannot be one or all are valid. */
  function ofContainers(keyword: string, value: unknown): Condition {
    const type = WORDS_OF_TYPE.get(keyword);
    if (type === undefined || !types.includes(type)) return 'TRUE';
    const saysNothing = value === true || value === false ? value === (keyword !== 'uniqueItems') : false;
    return saysNothing || (isObject(value) && Object.keys(value).length === 0) ? 'TRUE' : undefined;
  }

  function relation(operator: '<' | '>', limit: string): string {
    if (!comparesDoubles(field.athenaType)) return comparedSql(leaf.number(), operator, limit);
    const value = `TRY_CAST(${text} AS double)`;
    const nearest = String(Number(limit));
    // A number that is nearest to 0 need not be 0.
    return (
      `CASE WHEN ${value} <> DOUBLE '0' THEN ${value} ${operator} DOUBLE '${nearest}' ` +
      `ELSE ${comparedSql(leaf.number(), operator, nearest)} END`
    );
  }

  function among(choices: readonly (readonly [value: unknown, pointer: string])[]): Condition {
    const containers = choices.map(([value]) => (Array.isArray(value) ? 'array' : isObject(value) ? 'object' : ''));
    if (containers.some((type) => type !== '' && types.includes(type))) return undefined;
    const texts = choices.flatMap(([value]) => (typeof value === 'string' ? [exactText(value)] : []));
    const booleans = choices.flatMap(([value]) => (typeof value === 'boolean' ? [`'${value}'`] : []));
    const numbers = choices.flatMap(([value, pointer]) =>
      typeof value === 'number' ? [schema.numberAt(pointer)] : [],
    );
    const listSql = (items: readonly string[]) => (items.length === 0 ? 'FALSE' : `${text} IN (${items.join(', ')})`);
    return anyOf([
      allOf([texts.length === 0 ? 'FALSE' : is('string'), listSql(texts)]),
      allOf([booleans.length === 0 ? 'FALSE' : is('boolean'), listSql(booleans)]),
      allOf([numbers.length === 0 ? 'FALSE' : is('number'), numbers.length === 0 ? 'FALSE' : equalSql(numbers)]),
    ]);
  }

  function equalSql(numbers: readonly string[]): string {
    if (!comparesDoubles(field.athenaType)) return isAmongSql(leaf.number(), numbers);
    const value = `TRY_CAST(${text} AS double)`;
    const nearest = numbers.map((one) => String(Number(one)));
    return (
      `CASE WHEN ${value} <> DOUBLE '0' THEN ${value} IN (${nearest.map((one) => `DOUBLE '${one}'`).join(', ')}) ` +
      `ELSE ${isAmongSql(leaf.number(), nearest)} END`
    );
  }

  function formatSql(word: string): Condition {
    if (word === 'date') return `${dateSql(text)} IS NOT NULL`;
    if (word !== 'date-time') return isFormatSql(text, word);
    if (field.athenaType === 'timestamp' && field.times.unit === undefined) return `${leaf.value()} IS NOT NULL`;
    return field.times.lenient ? undefined : `${dateTimeSql(text, field.times)} IS NOT NULL`;
  }

  return {
    ...conditions,
    at: (one) => {
      const holds = conditions.at(one);
      if (holds === undefined || leaf.instead === 'FALSE') return holds;
      const ofObject = emptyObjectIsValid(schema, one) ? 'TRUE' : 'FALSE';
      return holds === ofObject ? holds : `CASE WHEN ${text} IS NULL THEN ${ofObject} ELSE ${holds} END`;
    },
  };
}

/** Whether a leaf has a value, or an object in its place. */
export function leafIsThere({ text, instead }: LeafSql): string {
  return anyOf([`${text} IS NOT NULL`, instead]);
}
