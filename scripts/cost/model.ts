/** What a pipeline costs in a month, from how many events and topics it has. The quantities are those of docs/sizing.md. */

export interface Prices {
  readonly sqsPerMillionRequests: number;
  readonly lambdaPerMillionRequests: number;
  readonly lambdaArmPerGbSecond: number;
  readonly firehoseIcebergPerGb: number;
  readonly gluePerDpuHour: number;
  readonly catalogPerMillionRequests: number;
  readonly s3PerMillionPuts: number;
  readonly s3PerMillionGets: number;
  readonly s3PerGbMonth: number;
  readonly dynamodbPerMillionWrites: number;
  readonly dynamodbPerMillionReads: number;
  readonly stepFunctionsPerMillionTransitions: number;
  readonly logsPerGb: number;
  readonly alarmPerMonth: number;
  readonly metricPerMonth: number;
}

export interface Load {
  readonly eventsPerDay: number;
  /** Topics that have events in a usual cycle. */
  readonly topics: number;
  /** Bytes of an event in Firehose: its payload and a header of about 350. */
  readonly bytes: number;
  readonly cyclesPerDay: number;
}

/** Dollars a month. */
export interface Cost {
  readonly queues: number;
  readonly functions: number;
  readonly stream: number;
  readonly jobs: number;
  readonly tables: number;
  readonly watching: number;
  /** Of what one month's events add; it comes again each month for as long as they are kept. */
  readonly storage: number;
}

const DAYS = 30;
const GB = 1e9;
const MILLION = 1e6;

/** What a producer sends at once, and what a poller of Lambda receives at once. */
const MESSAGES_A_REQUEST = 10;
/** Five pollers a queue wait twenty seconds each for a message, whether there is one or not. */
const IDLE_POLLS_PER_DAY = 3 * ((5 * 86_400) / 20);
const BATCH_MESSAGES = 1_000;
const BATCH_WINDOW_SECONDS = 5;
const BATCH_SECONDS = 0.3;
const TRANSFORM_BYTES = 1e6;
const FUNCTION_GB = 1;
/** A driver and an executor of G.1X, which is one DPU. */
const DPUS = 2;
/** Glue bills each run at least a minute. */
const LEAST_SECONDS = 60;
const SECONDS_A_TOPIC = 0.16;
const SECONDS_AN_EVENT = 65e-6;
/** A commit writes a data file, a manifest, a manifest list and the metadata, and every sixteenth compacts. */
const PUTS_A_COMMIT = 5;
const GETS_A_COMMIT = 20;
const CATALOG_CALLS_A_COMMIT = 4;
const LAYERS = 2;
const TRANSITIONS_A_CYCLE = 8;
const LOG_BYTES_A_COMMIT = 400;
const ALARMS = 22;
const METRICS = 6;
/** Parquet of the payload's text and of its columns, in RAW, cycle_delta and the two layers, as a part of what was sent. */
const STORED_SHARE = 1.2;

export function monthlyCost({ eventsPerDay, topics, bytes, cyclesPerDay }: Load, prices: Prices): Cost {
  const events = eventsPerDay * DAYS;
  const gigabytes = (events * bytes) / GB;
  // Cycles without new rows run no job.
  const cycles = DAYS * Math.min(cyclesPerDay, eventsPerDay);
  const commits = cycles * LAYERS * Math.min(topics, eventsPerDay / cyclesPerDay);

  const sqsRequests = (3 * events) / MESSAGES_A_REQUEST + IDLE_POLLS_PER_DAY * DAYS;
  const batches = Math.max(events / BATCH_MESSAGES, Math.min(events, (DAYS * 86_400) / BATCH_WINDOW_SECONDS));
  const transforms = (events * bytes) / TRANSFORM_BYTES + DAYS * 1_440;
  const layerSeconds = (SECONDS_A_TOPIC * topics + (SECONDS_AN_EVENT * eventsPerDay) / cyclesPerDay) / LAYERS;
  const jobSeconds = cycles * LAYERS * Math.max(LEAST_SECONDS, layerSeconds);

  return {
    queues: per(sqsRequests, prices.sqsPerMillionRequests),
    functions:
      per(batches + transforms, prices.lambdaPerMillionRequests) +
      (batches + transforms) * BATCH_SECONDS * FUNCTION_GB * prices.lambdaArmPerGbSecond,
    stream: gigabytes * prices.firehoseIcebergPerGb,
    jobs: ((jobSeconds * DPUS) / 3_600) * prices.gluePerDpuHour,
    tables:
      per(commits * PUTS_A_COMMIT, prices.s3PerMillionPuts) +
      per(commits * GETS_A_COMMIT, prices.s3PerMillionGets) +
      per(commits * CATALOG_CALLS_A_COMMIT, prices.catalogPerMillionRequests) +
      per(commits, prices.dynamodbPerMillionWrites + prices.dynamodbPerMillionReads),
    watching:
      per(cycles * TRANSITIONS_A_CYCLE, prices.stepFunctionsPerMillionTransitions) +
      ((commits * LOG_BYTES_A_COMMIT) / GB) * prices.logsPerGb +
      ALARMS * prices.alarmPerMonth +
      METRICS * prices.metricPerMonth,
    storage: gigabytes * STORED_SHARE * prices.s3PerGbMonth,
  };
}

export function total(cost: Cost): number {
  const parts: readonly number[] = Object.values(cost);
  return parts.reduce((sum, part) => sum + part, 0);
}

/** What is assumed of a load that says only how many events it has. */
export const USUAL_LOAD: Omit<Load, 'eventsPerDay'> = { topics: 100, bytes: 1_000, cyclesPerDay: 96 };

/** The loads of the table in docs/deployment.md. */
export const LOADS: readonly Load[] = [
  { eventsPerDay: 100_000, topics: 20, bytes: 1_000, cyclesPerDay: 96 },
  { eventsPerDay: 1_000_000, topics: 100, bytes: 1_000, cyclesPerDay: 96 },
  { eventsPerDay: 10_000_000, topics: 700, bytes: 1_000, cyclesPerDay: 96 },
  { eventsPerDay: 100_000_000, topics: 700, bytes: 1_000, cyclesPerDay: 96 },
];

/** The lines of the table in docs/deployment.md, in whole dollars. */
export function costTable(loads: readonly Load[], prices: Prices): readonly string[] {
  return loads.map((load) => {
    const cost = monthlyCost(load, prices);
    const { queues, functions, stream, jobs, tables, watching, storage } = cost;
    const cells = [queues, functions, stream, jobs, tables, watching, storage].map(dollars);
    return `| ${whole(load.eventsPerDay)} | ${whole(load.topics)} | ${cells.join(' | ')} | **${dollars(total(cost))}** |`;
  });
}

function per(count: number, priceOfMillion: number): number {
  return (count / MILLION) * priceOfMillion;
}

function whole(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

function dollars(value: number): string {
  return value > 0 && value < 1 ? '1' : whole(value);
}
