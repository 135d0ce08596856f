/** The logs of a stack's functions and jobs, as lines that are there and lines that come. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
  type FilteredLogEvent,
} from '@aws-sdk/client-cloudwatch-logs';
import { clientConfig, output } from '../clients';
import type { Stack } from '../stack';

/** Reads what has been written since the last call; the first call reads all of it. */
export type ReadNew = () => Promise<readonly string[]>;

export interface Logs {
  readonly functions: readonly string[];
  readonly jobs: readonly string[];
}

const FUNCTION_GROUPS = '/aws/lambda/';

/** The names of the functions and jobs that have logs, without the prefix of the pipeline's resources. */
export async function listLogs(stack: Stack): Promise<Logs> {
  const prefix = resourcePrefix(stack);
  const groups: string[] = [];
  let token: string | undefined;
  do {
    const page = await logsClient(stack).send(
      new DescribeLogGroupsCommand({
        logGroupNamePrefix: `${FUNCTION_GROUPS}${prefix}`,
        ...(token && { nextToken: token }),
      }),
    );
    for (const { logGroupName: name } of page.logGroups ?? []) if (name !== undefined) groups.push(name);
    token = page.nextToken;
  } while (token !== undefined);
  return {
    functions: groups.map((name) => name.slice(`${FUNCTION_GROUPS}${prefix}`.length)).sort(),
    jobs: [...new Set(jobFiles(stack).map(({ job }) => job))].sort(),
  };
}

/** The events of a function's log group, oldest first. */
export function functionLog(stack: Stack, name: string): ReadNew {
  const client = logsClient(stack);
  const logGroupName = `${FUNCTION_GROUPS}${resourcePrefix(stack)}${name}`;
  const newOnes = newEvents();
  return async () => {
    const events: FilteredLogEvent[] = [];
    let token: string | undefined;
    do {
      const page = await client.send(
        new FilterLogEventsCommand({ logGroupName, startTime: newOnes.from(), ...(token && { nextToken: token }) }),
      );
      events.push(...(page.events ?? []));
      token = page.nextToken;
    } while (token !== undefined);
    return newOnes.of(events).map(({ message = '' }) => message.trimEnd());
  };
}

/**
 * Picks the events that have not been there before. Those of the latest millisecond come again with the next call, beside new
 * ones of the same millisecond, and the emulator gives the lines of an invocation no ids.
 */
export function newEvents(): {
  readonly from: () => number;
  readonly of: (events: readonly FilteredLogEvent[]) => readonly FilteredLogEvent[];
} {
  let from = 0;
  let seen = new Set<string>();
  return {
    from: () => from,
    of: (events) => {
      const counts = new Map<string, number>();
      const keyed = events.map((event) => {
        const place = `${event.logStreamName ?? ''} ${event.timestamp ?? 0}`;
        const count = (counts.get(place) ?? 0) + 1;
        counts.set(place, count);
        return { event, key: `${place} ${count}` };
      });
      const fresh = keyed.filter(({ key }) => !seen.has(key)).map(({ event }) => event);
      from = events.reduce((latest, { timestamp = 0 }) => Math.max(latest, timestamp), from);
      if (events.length > 0)
        seen = new Set(keyed.filter(({ event }) => event.timestamp === from).map(({ key }) => key));
      return fresh;
    },
  };
}

/**
 * The lines of a job's newest run, and of every run that starts later. With `follow` a line is given once it has ended; without
 * it nothing more is awaited, and the last line may lack its end.
 */
export function jobLog(stack: Stack, job: string, { follow }: { readonly follow: boolean }): ReadNew {
  const [newest] = jobFiles(stack).filter((file) => file.job === job);
  let file = newest?.file;
  let position = 0;
  // Bytes, and no text: a read may end within a character.
  let rest = Buffer.alloc(0);
  return async () => {
    const lines: string[] = [];
    const later = jobFiles(stack).filter((each) => each.job === job);
    const index = file === undefined ? later.length - 1 : later.findIndex((each) => each.file === file);
    for (const each of later.slice(0, index + 1).reverse()) {
      if (each.file !== file) [file, position, rest] = [each.file, 0, Buffer.alloc(0)];
      const handle = await open(each.file);
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc((await handle.stat()).size - position), {
          position,
        });
        position += bytesRead;
        const bytes = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
        const end = follow ? bytes.lastIndexOf('\n') + 1 : bytes.length;
        rest = bytes.subarray(end);
        const text = bytes.subarray(0, end).toString('utf8').replace(/\n$/, '');
        if (end > 0) lines.push(...text.split('\n'));
      } finally {
        await handle.close();
      }
    }
    return lines;
  };
}

interface JobFile {
  readonly job: string;
  readonly file: string;
}

/** One file for each run, the newest first. The emulator names them JOB-jr_ID.log. */
function jobFiles(stack: Stack): JobFile[] {
  const folder = path.join(stack.paths.logs, 'glue');
  if (!existsSync(folder)) return [];
  const prefix = resourcePrefix(stack);
  return readdirSync(folder)
    .flatMap((name) => {
      const job = /^(.+)-jr_\w+\.log$/.exec(name)?.[1];
      if (job === undefined) return [];
      const file = path.join(folder, name);
      return [
        { job: job.startsWith(prefix) ? job.slice(prefix.length) : job, file, started: statSync(file).birthtimeMs },
      ];
    })
    .sort((a, b) => b.started - a.started);
}

/** What all names of the pipeline's resources begin with, such as `lean-ops-`. */
function resourcePrefix(stack: Stack): string {
  return output(stack, 'firehose_stream_name').replace(/events$/, '');
}

function logsClient(stack: Stack): CloudWatchLogsClient {
  return new CloudWatchLogsClient(clientConfig(stack));
}
