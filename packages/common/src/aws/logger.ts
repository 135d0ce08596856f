import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';

/** Structured fields of a log line: ids, counts and codes, never a payload. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A logger: Powertools' in Lambdas, a recording fake in tests. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** A Log that adds the invocation (request id, cold start, function name) to every line. */
export interface LambdaLog extends Log {
  /** To be called first in a handler. */
  bind(context: Context): void;
}

/**
 * A logger that writes JSON lines to stdout, with `service` on every line and the level of LOG_LEVEL. An error in the
 * field `error` keeps its name, message and stack.
 */
export function createLogger(serviceName: string): LambdaLog {
  const logger = new Logger({ serviceName });
  return {
    bind: (context) => logger.addContext(context),
    debug: (message, fields = {}) => logger.debug(message, fields),
    info: (message, fields = {}) => logger.info(message, fields),
    warn: (message, fields = {}) => logger.warn(message, fields),
    error: (message, fields = {}) => logger.error(message, fields),
  };
}
