/** Keywords by what people write for them where no spelling is near; compared in lower case, without punctuation. */
const ALSO_WRITTEN: ReadonlyMap<string, string> = new Map(
  Object.entries({
    minimum: ['min', 'gte', 'ge', 'minvalue', 'atleast', 'from'],
    maximum: ['max', 'lte', 'le', 'maxvalue', 'atmost', 'to'],
    exclusiveMinimum: ['gt', 'exclusivemin', 'minexclusive', 'greaterthan'],
    exclusiveMaximum: ['lt', 'exclusivemax', 'maxexclusive', 'lessthan'],
    minLength: ['minlen', 'minsize'],
    maxLength: ['len', 'length', 'size', 'maxlen', 'maxsize'],
    pattern: ['regex', 'regexp', 'match', 'matches'],
    enum: ['values', 'allowed', 'allowedvalues', 'choices', 'options', 'oneofvalues'],
    format: ['logicaltype'],
    type: ['datatype', 'kind'],
    'x-type': ['columntype', 'sqltype', 'dbtype', 'xcolumntype'],
    'x-cde': ['cde', 'critical', 'xcritical', 'mandatory', 'notnull'],
    properties: ['fields', 'members', 'columns', 'attributes'],
    items: ['elements', 'elementtype'],
    description: ['desc', 'doc', 'docs', 'documentation', 'help'],
    title: ['name', 'label', 'displayname'],
    $comment: ['comment', 'note', 'notes'],
    'x-version': ['version', 'schemaversion'],
    'x-topic': ['topic', 'topicname', 'xtopicname'],
    'x-event-time': ['eventtime', 'timestamp', 'timestampfield', 'partitionby', 'xpartitionby'],
    'x-backfill': ['backfill'],
    'x-replay-errors': ['replay', 'replayerrors', 'xreplay'],
    'x-breaking': ['breaking', 'breakingchange'],
    'x-breaking-reason': ['breakingreason'],
    deprecated: ['obsolete'],
    'x-renamed-from': ['renamedfrom', 'formername', 'alias', 'aliases', 'previousname', 'oldname'],
  }).flatMap(([keyword, written]) => written.map((word) => [word, keyword] as const)),
);

/** The keyword that a word stands for to those who write it, though no spelling of it is near; undefined for any other. */
export function keywordMeantBy(word: string): string | undefined {
  return ALSO_WRITTEN.get(word.toLowerCase().replace(/[^a-z]/g, ''));
}
