import type { Context } from 'aws-lambda';

type Handler<E, R> = (event: E, context: Context) => Promise<R>;

async function tracedOnce<E, R>(serviceName: string, handler: Handler<E, R>): Promise<Handler<E, R>> {
  // The library is loaded only where tracing is on, as it takes a third of a cold start.
  const { Tracer } = await import('@aws-lambda-powertools/tracer');
  // Every HTTP request becomes a subsegment, so no AWS client needs a wrapper.
  const tracer = new Tracer({ serviceName, captureHTTPsRequests: true });
  return async (event, context) => {
    const segment = tracer.getSegment();
    const subsegment = segment?.addNewSubsegment(`## ${serviceName}`);
    if (subsegment) tracer.setSegment(subsegment);
    tracer.annotateColdStart();
    tracer.addServiceNameAnnotation();
    try {
      return await handler(event, context);
    } catch (error) {
      tracer.addErrorAsMetadata(error as Error);
      throw error;
    } finally {
      subsegment?.close();
      if (segment) tracer.setSegment(segment);
    }
  };
}

/** Whether the Terraform variable `tracing_enabled` is set for this function. */
function isTracingEnabled(env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return env['TRACING_ENABLED'] === 'true';
}

/** The handler with X-Ray subsegments (Powertools' Tracer) where tracing is enabled, else the handler itself. */
export function traced<E, R>(
  serviceName: string,
  handler: Handler<E, R>,
  enabled: boolean = isTracingEnabled(),
): Handler<E, R> {
  if (!enabled) return handler;
  let ready: Promise<Handler<E, R>> | undefined;
  return async (event, context) => {
    ready ??= tracedOnce(serviceName, handler);
    return (await ready)(event, context);
  };
}
