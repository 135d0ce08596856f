/**
 * What a service's message about a missing right says, in words. Its twin is `access_denied` in scripts/glue/lean_ops/errors.py;
 * both are held to tests/conformance/denials.json.
 */

const DENIED =
  /User: (?<user>\S+) is not authorized to perform: (?<action>[\w-]+:\w+)(?: on resource: "?(?<resource>arn:[^\s"]+))?/;
const READS = /^(?:Get|BatchGet|List|Describe|Query|Scan|Head|Search)/;
const WRITES = /^(?:Put|Update|Create|Delete|Batch|Write|Abort|Tag)/;

/**
 * What was to be done with what, and by which role. Undefined when the message is about something else, or does not name the
 * right.
 */
export function accessDenied(message: string): string | undefined {
  const groups = DENIED.exec(message)?.groups;
  if (groups === undefined) return undefined;
  const { user = '', action = '', resource } = groups as { user?: string; action?: string; resource?: string };
  const call = action.split(':')[1] ?? '';
  const verb = READS.test(call) ? 'reading' : WRITES.test(call) ? 'writing' : 'using';
  return `access denied ${verb} ${resourceInWords(resource, action)} (${whoInWords(user)}: ${action})`;
}

/** The role of a session, as `arn:aws:sts::123456789012:assumed-role/NAME/SESSION` names it. */
function whoInWords(arn: string): string {
  const [kind = '', ...rest] = (arn.split(':').at(-1) ?? '').split('/');
  if (kind === 'assumed-role') return `role ${rest[0] ?? ''}`;
  return rest.length > 0 ? `${kind} ${rest.join('/')}` : arn;
}

function resourceInWords(arn: string | undefined, action: string): string {
  if (arn === undefined) return `what ${action} needs`;
  const parts = arn.split(':');
  const service = parts[2];
  const name = parts.slice(5).join(':');
  if (service === 's3') return `s3://${name}`;
  const slash = name.indexOf('/');
  if (slash < 0) return name.replace(':', ' ');
  const kind = name.slice(0, slash);
  const path = name.slice(slash + 1);
  return service === 'glue' && kind === 'table' ? path.replace('/', '.') : `${kind} ${path}`;
}
