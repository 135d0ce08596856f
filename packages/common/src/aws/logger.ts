import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';

/** Structured fields of a log line. Never a payload: ids, counts, codes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What logic needs of a logger; Powertools' Logger in Lambdas, a recording fake in tests. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** A Log that can carry the invocation (request id, cold start, function name) on every line. */
export interface LambdaLog extends Log {
  /** Call first in a handler. */
  bind(context: Context): void;
}

/** JSON lines to stdout, level from LOG_LEVEL, `service` on every line. An `error` field keeps its name, message and stack. */
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
