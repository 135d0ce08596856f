import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { clientOptions, type ClientSettings } from './client-options';

export function stsClient(settings: Pick<ClientSettings, 'region'> = {}): STSClient {
  return new STSClient(clientOptions({ ...settings, requestTimeoutMs: 5_000 }));
}

/** The ARN of the user or role session whose credentials the client has. No policy can take this call away. */
export async function callerArn(client: STSClient = stsClient()): Promise<string> {
  const { Arn: arn = '' } = await client.send(new GetCallerIdentityCommand({}));
  return arn;
}
