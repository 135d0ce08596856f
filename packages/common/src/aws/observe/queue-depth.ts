import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { clientOptions, type ClientSettings } from '../client-options';

/** How many messages a queue has, about. */
export interface QueueDepth {
  readonly waiting: number;
  /** Received and not acknowledged yet. */
  readonly inFlight: number;
}

export interface QueueReader {
  depth(queueUrl: string): Promise<QueueDepth>;
}

export function sqsQueueReader(settings: Pick<ClientSettings, 'region'> = {}): QueueReader {
  const client = new SQSClient(clientOptions({ ...settings, requestTimeoutMs: 5_000 }));
  return {
    async depth(queueUrl) {
      const { Attributes: found } = await client.send(
        new GetQueueAttributesCommand({
          QueueUrl: queueUrl,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      return {
        waiting: Number(found?.ApproximateNumberOfMessages ?? 0),
        inFlight: Number(found?.ApproximateNumberOfMessagesNotVisible ?? 0),
      };
    },
  };
}
