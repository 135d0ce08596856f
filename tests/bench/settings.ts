/** What a cycle is measured under: waits before the emulator's answers, new JVMs, and the jobs' arguments. */
import { GetJobCommand, UpdateJobCommand } from '@aws-sdk/client-glue';
import { connect } from '../../scripts/local/clients';
import type { Stack } from '../../scripts/local/stack';
import { LAYERS, setAdmin } from './bench-stack';

/**
 * Milliseconds that an answer takes within a region, first byte to last of a small one. S3's are those that AWS names for
 * small objects (https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html says 100 to 200 ms for the
 * slow ones); Glue's and DynamoDB's are assumed.
 */
export const AWS_WAITS: Readonly<Record<string, number>> = {
  's3:GET': 15,
  's3:HEAD': 15,
  's3:DELETE': 15,
  's3:PUT': 30,
  's3:POST': 30,
  'glue:GetTable': 15,
  'glue:GetTables': 15,
  'glue:GetDatabase': 15,
  'glue:UpdateTable': 60,
  'glue:CreateTable': 60,
  'dynamodb:*': 5,
};

/** Arguments of the jobs that differ from those that Terraform set. A name that begins with `spark.` is a setting in --conf. */
export type JobSettings = Readonly<Record<string, string>>;

export async function setConditions(stack: Stack, conditions: { latency: boolean; cold: boolean }): Promise<void> {
  await setAdmin(stack, 'waits', { milliseconds: conditions.latency ? AWS_WAITS : {} });
  await setAdmin(stack, 'fresh-jvm', conditions.cold);
}

/** Remembers the jobs' arguments as Terraform set them, and gives a function that changes some of them. */
export async function jobArguments(stack: Stack): Promise<(settings: JobSettings) => Promise<void>> {
  const { glue } = connect(stack);
  const jobs = await Promise.all(
    LAYERS.map(async (layer) => {
      const { Job: job } = await glue.send(new GetJobCommand({ JobName: `lean-ops-${layer}` }));
      if (job === undefined) throw new Error(`no job of ${layer}`);
      return job;
    }),
  );
  return async (settings) => {
    for (const job of jobs) {
      const given = withSettings(job.DefaultArguments ?? {}, settings);
      await glue.send(new UpdateJobCommand({ JobName: job.Name, JobUpdate: { ...job, DefaultArguments: given } }));
    }
  };
}

export function withSettings(given: Readonly<Record<string, string>>, settings: JobSettings): Record<string, string> {
  const result = { ...given };
  for (const [name, value] of Object.entries(settings)) {
    if (!name.startsWith('spark.')) {
      result[`--${name}`] = value;
      continue;
    }
    const others = (result['--conf'] ?? '').split(' --conf ').filter((part) => !part.startsWith(`${name}=`));
    result['--conf'] = [...others, ...(value === '' ? [] : [`${name}=${value}`])].join(' --conf ');
  }
  return result;
}

/** Reads `name=value,name=value`. */
export function readSettings(text: string): JobSettings {
  return Object.fromEntries(
    text.split(',').map((part) => {
      const at = part.indexOf('=');
      if (at < 1) throw new Error(`${part} is not name=value`);
      return [part.slice(0, at).trim(), part.slice(at + 1)];
    }),
  );
}
