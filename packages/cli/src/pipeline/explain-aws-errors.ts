import { isPreconditionFailed, type DocumentStore, type ObjectStore } from '@lean-ops/common/aws';
import { AthenaStatementError, classifyError, messageOf } from '@lean-ops/common/core';
import type { Connect } from './aws-clients';
import type { OperatedDeployment } from './deployment';
import type { Observer, Observe } from './observer';
import type { Operate } from './operator';
import type { Redeliver } from './redeliverer';
import { CliError } from '../errors';

const NO_CREDENTIALS =
  'no AWS credentials were found: aws configure, aws sso login, or in a workflow aws-actions/configure-aws-credentials';
const REFUSED_CREDENTIALS =
  /^(InvalidAccessKeyId|InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClient(Exception)?|InvalidSignature(Exception)?|MissingAuthenticationToken(Exception)?)$/;
const EXPIRED = /^(ExpiredToken(Exception)?|RequestExpired|RequestTimeTooSkewed|RequestInTheFuture)$/;
const UNREACHED = /\b(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ECONNRESET|ETIMEDOUT|TimeoutError)\b/;

/**
 * The same connection, whose S3 and DynamoDB calls fail with a CliError of one line: which right is missing, which
 * resource does not exist, how to reach AWS.
 */
export function explainFailures(connect: Connect): Connect {
  return (deployment) => {
    const cloud = connectOrExplain(() => connect(deployment));
    return {
      ...cloud,
      objects: explainObjectFailures(cloud.objects),
      documents: explainDocumentFailures(cloud.documents),
    };
  };
}

/** The same for the connection of the commands that look at a running pipeline. */
export function explainObservation(observe: Observe): Observe {
  return (deployment) =>
    explainObserver(
      connectOrExplain(() => observe(deployment)),
      deployment,
    );
}

/**
 * The same for the connection of the commands that send dead letters again. Of the queue every failure is an answer, which its
 * caller acts upon.
 */
export function explainRedelivery(redeliver: Redeliver): Redeliver {
  return (deployment) => {
    const redeliverer = connectOrExplain(() => redeliver(deployment));
    const reader = `the function ${deployment.namePrefix}-stream-error-reader`;
    return {
      ...redeliverer,
      ...explainObserver(redeliverer, deployment),
      streamErrors: (event) => explaining('lambda:InvokeFunction', reader, redeliverer.streamErrors(event)),
      caller: () => explaining('sts:GetCallerIdentity', 'the caller', redeliverer.caller()),
    };
  };
}

function explainObserver(observer: Observer, { stateMachineArn, archiveTable }: OperatedDeployment): Observer {
  return {
    ...observer,
    objects: explainObjectFailures(observer.objects),
    documents: explainDocumentFailures(observer.documents),
    archive: {
      page: (query) =>
        explaining(
          'dynamodb:Query',
          `the DynamoDB table ${archiveTable}${'code' in query.of ? ' and its index by_error_code' : ''}`,
          observer.archive.page(query),
        ),
    },
    alarms: {
      firing: (prefix) => explaining('cloudwatch:DescribeAlarms', 'alarms', observer.alarms.firing(prefix)),
    },
    metrics: {
      newestMaximum: (...of) =>
        explaining('cloudwatch:GetMetricData', 'metrics', observer.metrics.newestMaximum(...of)),
    },
    executions: {
      newest: (...of) => explaining('states:ListExecutions', stateMachineArn, observer.executions.newest(...of)),
      failureOf: (arn) => explaining('states:DescribeExecution', arn, observer.executions.failureOf(arn)),
    },
    queues: { depth: (url) => explaining('sqs:GetQueueAttributes', `the queue ${url}`, observer.queues.depth(url)) },
  };
}

/** The same for the connection of the commands on operations. */
export function explainOperation(operate: Operate): Operate {
  return (deployment) => {
    const operator = connectOrExplain(() => operate(deployment));
    const { machine, tables } = operator;
    const { operationMachineArn: arn } = deployment;
    return {
      ...operator,
      objects: explainObjectFailures(operator.objects),
      documents: explainDocumentFailures(operator.documents),
      machine: {
        start: (...of) => explaining('states:StartExecution', arn, machine.start(...of)),
        describe: (execution) => explaining('states:DescribeExecution', execution, machine.describe(execution)),
        stop: (execution, cause) => explaining('states:StopExecution', execution, machine.stop(execution, cause)),
      },
      tables: {
        metadataLocations: (database) =>
          explaining('glue:GetTables', `the database ${database}`, tables.metadataLocations(database)),
      },
      caller: () => explaining('sts:GetCallerIdentity', 'the caller', operator.caller()),
    };
  };
}

function connectOrExplain<C>(connect: () => C): C {
  try {
    return connect();
  } catch (error) {
    throw new CliError(`no connection to AWS: ${oneLine(messageOf(error))}`, { cause: error });
  }
}

/**
 * The result of a call, whose failure becomes a CliError of one line.
 *
 * @param right the IAM action that the call needs
 * @param resource what the action is on, in words
 */
export async function explaining<T>(right: string, resource: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    // Callers act upon a failed precondition, and the other two carry their explanation already.
    if (isPreconditionFailed(error) || error instanceof AthenaStatementError || error instanceof CliError) throw error;
    throw new CliError(explainError(error, right, resource), { cause: error });
  }
}

/**
 * One line on why a call to AWS failed and what its caller can do.
 *
 * @param right the IAM action that the call needs
 * @param resource what the action is on, in words
 */
export function explainError(error: unknown, right: string, resource: string): string {
  const { code, reason, disposition } = classifyError(error);
  const message = oneLine(messageOf(error));
  if (code === 'CredentialsProviderError' || message.includes('Could not load credentials')) return NO_CREDENTIALS;
  if (EXPIRED.test(code)) return `the AWS credentials are out of date (${code}): get new ones and run this again`;
  if (REFUSED_CREDENTIALS.test(code)) return `AWS does not know these credentials (${code}): ${message}`;
  if (code.startsWith('AccessDenied') || statusOf(error) === 403) {
    const find =
      right === 's3:GetObject'
        ? ' (and s3:ListBucket on the bucket: without it S3 does not say what is not there)'
        : '';
    return `not allowed: these credentials need ${right} on ${resource}${find}. AWS says: ${message}`;
  }
  if (code === 'PermanentRedirect' || statusOf(error) === 301) {
    return `${resource} is in another region than the outputs say: are they those of this pipeline?`;
  }
  if (/^(NoSuchBucket|ResourceNotFound(Exception)?)$/.test(code)) {
    return `${resource} is not there (${code}): are the outputs those of this account and region?`;
  }
  const unreached = UNREACHED.exec(code)?.[0] ?? UNREACHED.exec(message)?.[0];
  if (unreached !== undefined) {
    return `AWS was not reached for ${right} on ${resource} (${unreached}): is AWS_ENDPOINT_URL or the network right? ${message}`.trim();
  }
  const again = disposition === 'retryable' ? '; a later try may help' : '';
  return `${right} on ${resource} failed: ${code}${message === '' ? '' : `: ${message}`} (${reason}${again})`;
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
}

/** The text with every run of white space as one space, so that it fits into a line. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function explainObjectFailures(objects: ObjectStore): ObjectStore {
  const at = (bucket: string, key: string): string => `s3://${bucket}/${key}`;
  return {
    get: (bucket, key, options) => explaining('s3:GetObject', at(bucket, key), objects.get(bucket, key, options)),
    open: (bucket, key) => explaining('s3:GetObject', at(bucket, key), objects.open(bucket, key)),
    head: (bucket, key) => explaining('s3:GetObject', at(bucket, key), objects.head(bucket, key)),
    put: (bucket, key, body, options) =>
      explaining('s3:PutObject', at(bucket, key), objects.put(bucket, key, body, options)),
    copy: (bucket, from, to, options) =>
      explaining('s3:GetObject and s3:PutObject', at(bucket, from), objects.copy(bucket, from, to, options)),
    delete: (bucket, key) => explaining('s3:DeleteObject', at(bucket, key), objects.delete(bucket, key)),
    list: (bucket, prefix) => explaining('s3:ListBucket', at(bucket, prefix), objects.list(bucket, prefix)),
  };
}

/** What each write of a transaction needs. */
const WRITE_RIGHTS = { put: 'dynamodb:PutItem', update: 'dynamodb:UpdateItem', delete: 'dynamodb:DeleteItem' } as const;

function explainDocumentFailures(documents: DocumentStore): DocumentStore {
  const on = (table: string): string => `the DynamoDB table ${table}`;
  return {
    get: (table, key) => explaining('dynamodb:GetItem', on(table), documents.get(table, key)),
    put: (table, document, condition) =>
      explaining('dynamodb:PutItem', on(table), documents.put(table, document, condition)),
    update: (table, key, changes, condition) =>
      explaining('dynamodb:UpdateItem', on(table), documents.update(table, key, changes, condition)),
    delete: (table, key, condition) =>
      explaining('dynamodb:DeleteItem', on(table), documents.delete(table, key, condition)),
    transact: (writes) =>
      explaining(
        [...new Set(writes.map(({ op }) => WRITE_RIGHTS[op]))].join(' and '),
        on([...new Set(writes.map(({ table }) => table))].join(' and ')),
        documents.transact(writes),
      ),
    query: (table, from, after) => explaining('dynamodb:Query', on(table), documents.query(table, from, after)),
    scan: (table) => explaining('dynamodb:Scan', on(table), documents.scan(table)),
  };
}
