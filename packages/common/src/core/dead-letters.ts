/**
 * The partition of the archive's index that names every error code which Firehose has ever given. The sort key is the
 * code. The index by error code cannot list its codes, and those of Firehose are not a closed list.
 */
export const RECORDED_CODES = '_error_codes';

/** The partition of the archive's index for error objects that are on record as a whole. No topic has this name. */
export const ERROR_OBJECTS = '_error_objects';

/** The partition of the archive's index for what people did with dead letters. The sort key is the operation's id. */
export const LETTER_OPERATIONS = '_operations';

/** The `origin` attribute of every letter that sqs-processor sends. */
export const PROCESSOR_ORIGIN = 'sqs-processor';

/** The error codes that the pipeline's own functions give, with what each means, in words. docs/data-contracts.md, Codes. */
export const DEAD_LETTER_CODES = {
  NO_TOPIC: 'the message names no topic',
  INVALID_TOPIC: 'the topic name is not legal',
  INVALID_ORIGIN: 'the attribute lean_ops_origin is malformed',
  TOO_LARGE: 'the message is larger than 1,024,000 bytes as a record',
  UNEXPECTED: 'sqs-processor failed on the message each time',
  ENDS_FUNCTION: 'the message ended sqs-processor twice',
  MAX_RECEIVES: 'the message was received too often and never taken',
  UNKNOWN_ERROR: 'Firehose could not deliver and gave no code',
  DATA_FILES_NOT_COMMITTED: 'Firehose wrote data files and did not commit them',
  UNREADABLE_ERROR_OBJECT: 'an error object of Firehose cannot be read',
} as const;

export type DeadLetterCode = keyof typeof DEAD_LETTER_CODES;

/** Whether one of the pipeline's own functions gives this code. */
export function isOwnCode(code: string): code is DeadLetterCode {
  return Object.hasOwn(DEAD_LETTER_CODES, code);
}
