/** Answers Firehose's calls in memory, where the SDK would open a socket. Everything above (serialising, signing) is real. */
import type { FirehoseClientConfig } from '@aws-sdk/client-firehose';

const encoder = new TextEncoder();
const answers = new Map<number, Uint8Array>();

function answerFor(records: number): Uint8Array {
  const known = answers.get(records);
  if (known !== undefined) return known;
  const RequestResponses = Array.from({ length: records }, (_, n) => ({
    RecordId: `49546986683135544286507457936321625675700192471156785154${String(n).padStart(6, '0')}`,
  }));
  const answer = encoder.encode(JSON.stringify({ FailedPutCount: 0, Encrypted: false, RequestResponses }));
  answers.set(records, answer);
  return answer;
}

const ONE = encoder.encode(JSON.stringify({ RecordId: '4954698668313554428650745793', Encrypted: false }));

const MEMBER = Buffer.from('"Data":');

/** Counts records in the bytes that would go out. Parsing them would be Firehose's work, and not the function's. */
function countRecords(body: Uint8Array): number {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  let count = 0;
  for (let at = bytes.indexOf(MEMBER); at >= 0; at = bytes.indexOf(MEMBER, at + MEMBER.length)) count++;
  return count;
}

/** Number of records taken since the start, over all clients. */
export const taken = { records: 0 };

interface Request {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export function memoryFirehose(): FirehoseClientConfig {
  return {
    region: 'eu-central-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
    maxAttempts: 1,
    requestHandler: {
      handle: ({ headers, body }: Request) => {
        const isBatch = headers['x-amz-target']?.endsWith('PutRecordBatch') === true;
        const records = isBatch ? countRecords(body) : 1;
        taken.records += records;
        return Promise.resolve({
          response: {
            statusCode: 200,
            headers: { 'content-type': 'application/x-amz-json-1.1' },
            body: isBatch ? answerFor(records) : ONE,
          },
        });
      },
    },
  };
}
