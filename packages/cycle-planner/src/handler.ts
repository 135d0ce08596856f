import {
  createLogger,
  createMetrics,
  dynamoDocumentStore,
  glueCatalog,
  RawMetadataTooLargeError,
  s3ObjectStore,
  systemClock,
  traced,
} from '@lean-ops/common/aws';
import type { Context } from 'aws-lambda';
import { configFrom } from './config';
import { releaseLease, reservationOf, takeLease, type Reservation } from './lease';
import { planCycle, type Collaborators, type CyclePlan, type Resources } from './plan-cycle';
import { reportFreshness } from './report-freshness';
import { reportOverdueHolds } from './report-holds';
import { decodeRequest } from './request';

const SERVICE = 'cycle-planner';
const config = configFrom(process.env);
const log = createLogger(SERVICE);
const metrics = createMetrics(SERVICE);
const collaborators: Collaborators = {
  documents: dynamoDocumentStore(),
  catalog: glueCatalog(),
  objects: s3ObjectStore(),
  clock: systemClock,
};
const resources: Resources = {
  lake: { databasePrefix: config.databasePrefix, bucket: config.lakeBucket },
  rawTable: config.rawTable,
  registryTable: config.registryTable,
  checkpointTable: config.checkpointTable,
  leaseSeconds: config.leaseSeconds,
  freshnessTargets: config.freshnessTargets,
};

/** The first and the last step of the cycle's state machine and of that of maintenance. Both repeat a step that throws. */
export const handler = traced(
  SERVICE,
  async (event: unknown, context: Context): Promise<CyclePlan | Reservation | { readonly released: boolean }> => {
    log.bind(context);
    try {
      const request = decodeRequest(event);
      if (request.action === 'plan') {
        const { plan, measure, rawMetadata, overdueHolds } = await planCycle(
          request.executionId,
          resources,
          collaborators,
        );
        const { bytes, snapshots } = rawMetadata ?? {};
        log.info('cycle planned', {
          execution_id: request.executionId,
          ...plan,
          raw_snapshots: snapshots,
          raw_metadata_bytes: bytes,
        });
        metrics.count('NewRecords', plan.new_records);
        if (bytes !== undefined) metrics.count('RawMetadataBytes', bytes);
        if (overdueHolds !== undefined) reportOverdueHolds(overdueHolds, { log, metrics });
        reportFreshness(measure, config.freshnessTargets, { log, metrics });
        return plan;
      }
      if (request.action === 'reserve') {
        const { documents, clock } = collaborators;
        const { checkpointTable, leaseSeconds } = resources;
        const reservation = reservationOf(
          await takeLease(documents, checkpointTable, request.executionId, leaseSeconds, clock),
        );
        log.info('lease reserved', { execution_id: request.executionId, ...reservation });
        return reservation;
      }
      if (request.action === 'release') {
        const { executionId } = request;
        const released = await releaseLease(collaborators.documents, resources.checkpointTable, executionId);
        log.info('lease released', { execution_id: executionId, released });
        return { released };
      }
      const { executionId, cycleId, outcome, error } = request;
      const released = await releaseLease(collaborators.documents, resources.checkpointTable, executionId);
      const line = { execution_id: executionId, cycle_id: cycleId, outcome, released };
      if (outcome === 'SUCCEEDED') log.info('cycle finished', line);
      else log.error('cycle finished', { ...line, failure: error });
      metrics.count(outcome === 'SUCCEEDED' ? 'CyclesSucceeded' : 'CyclesFailed');
      return { released };
    } catch (error) {
      log.error('cycle-planner failed', { error });
      if (error instanceof RawMetadataTooLargeError) metrics.count('RawMetadataBytes', error.bytes);
      metrics.count('PlannerFailed');
      throw error;
    } finally {
      metrics.flush();
    }
  },
);
