import {
  createLogger,
  createMetrics,
  dynamoDocumentStore,
  glueCatalog,
  lambdaInvokeLater,
  RawMetadataTooLargeError,
  s3ObjectStore,
  stepFunctionsMachine,
  systemClock,
  traced,
} from '@lean-ops/common/aws';
import type { Context } from 'aws-lambda';
import { configFrom } from './config';
import { releaseLease, reservationOf, type Reservation } from './lease';
import { endMaintenance, putOffMaintenance, reserveLease } from './maintenance-turn';
import { planCycle, type CyclePlan } from './plan-cycle';
import { reportFreshness } from './report-freshness';
import { decodeRequest, type PlannerRequest } from './request';
import { seeToTopics } from './see-to-topics';

const SERVICE = 'cycle-planner';
const config = configFrom(process.env);
const log = createLogger(SERVICE);
const metrics = createMetrics(SERVICE);
const collaborators = {
  documents: dynamoDocumentStore(),
  catalog: glueCatalog(),
  objects: s3ObjectStore(),
  invokeValidator: lambdaInvokeLater(config.validatorFunction),
  machine: stepFunctionsMachine(config.operationStateMachine),
  clock: systemClock,
};
const resources = {
  lake: { databasePrefix: config.databasePrefix, bucket: config.lakeBucket },
  rawTable: config.rawTable,
  registryTable: config.registryTable,
  checkpointTable: config.checkpointTable,
  operationsTable: config.operationsTable,
  schemaBucket: config.schemaBucket,
  holdsBadTopics: config.holdAfterBadCycle === 'hold',
  leaseSeconds: config.leaseSeconds,
  operationTimeoutSeconds: config.operationTimeoutSeconds,
  freshnessTargets: config.freshnessTargets,
};

type Answer = CyclePlan | Reservation | { readonly released: boolean } | { readonly overdue: boolean };

/** The steps of the cycle's state machine, and of that of maintenance, that hold the lease. Both repeat a step that throws. */
export const handler = traced(SERVICE, async (event: unknown, context: Context): Promise<Answer> => {
  log.bind(context);
  try {
    return await perform(decodeRequest(event));
  } catch (error) {
    log.error('cycle-planner failed', { error });
    if (error instanceof RawMetadataTooLargeError) metrics.count('RawMetadataBytes', error.bytes);
    metrics.count('PlannerFailed');
    throw error;
  } finally {
    metrics.flush();
  }
});

async function perform(request: PlannerRequest): Promise<Answer> {
  const { documents, clock } = collaborators;
  const { checkpointTable } = resources;
  const { executionId } = request;
  switch (request.action) {
    case 'plan':
      return plan(executionId);
    case 'finish':
      return finish(request);
    case 'reserve': {
      const seconds = config.maintenanceLeaseSeconds;
      const reservation = reservationOf(await reserveLease(documents, checkpointTable, executionId, seconds, clock));
      log.info('lease reserved', { execution_id: executionId, ...reservation });
      return reservation;
    }
    case 'put_off': {
      const { overdue, since } = await putOffMaintenance(documents, checkpointTable, executionId, clock);
      log.warn('maintenance put off', { execution_id: executionId, overdue, not_succeeded_since: since });
      metrics.count('MaintenancePutOff');
      return { overdue };
    }
    case 'release': {
      const { outcome } = request;
      await endMaintenance(documents, checkpointTable, executionId, outcome === 'SUCCEEDED', clock);
      const released = await releaseLease(documents, checkpointTable, executionId);
      log.info('lease released', { execution_id: executionId, outcome, released });
      return { released };
    }
  }
}

async function plan(executionId: string): Promise<CyclePlan> {
  const planned = await planCycle(executionId, resources, collaborators);
  const { bytes, snapshots } = planned.rawMetadata ?? {};
  log.info('cycle planned', {
    execution_id: executionId,
    ...planned.plan,
    raw_snapshots: snapshots,
    raw_metadata_bytes: bytes,
  });
  metrics.count('NewRecords', planned.plan.new_records);
  if (bytes !== undefined) metrics.count('RawMetadataBytes', bytes);
  reportFreshness(planned.measure, config.freshnessTargets, { log, metrics });
  if (planned.registry !== undefined) {
    const { registry, checkpoints = [] } = planned;
    const topics = { registry, checkpoints, now: collaborators.clock.now() };
    await seeToTopics(topics, resources, collaborators, { log, metrics });
  }
  return planned.plan;
}

async function finish({
  executionId,
  cycleId,
  outcome,
  error,
}: Extract<PlannerRequest, { readonly action: 'finish' }>): Promise<{ readonly released: boolean }> {
  const released = await releaseLease(collaborators.documents, resources.checkpointTable, executionId);
  const line = { execution_id: executionId, cycle_id: cycleId, outcome, released };
  if (outcome === 'SUCCEEDED') log.info('cycle finished', line);
  else log.error('cycle finished', { ...line, failure: error });
  metrics.count(outcome === 'SUCCEEDED' ? 'CyclesSucceeded' : 'CyclesFailed');
  return { released };
}
