import { isObject, LAYERS, readWaitingUpload, type Document } from '@lean-ops/common/core';

/** The first cycle that a layer has not taken of a held or stuck topic, and when that cycle's first event came into RAW. */
export interface WaitingCycle {
  readonly layer: 'standardized' | 'curated';
  readonly cycleId: string;
  /** ISO 8601; empty where nobody noted it. */
  readonly since: string;
}

/** What waits for the release of a topic, or for somebody to decide what becomes of it. */
export interface Waiting {
  /** Of each layer that has left something; the layer with the older cycle first. */
  readonly cycles: readonly WaitingCycle[];
  readonly upload: { readonly etag: string; readonly since: string } | undefined;
}

/** The items about the last run of each layer in the checkpoint table. */
export interface RunItems {
  readonly raw: Document | undefined;
  readonly curated: Document | undefined;
}

/** What waits for a topic, by the notes that the last runs left. scripts/glue/lean_ops/bookkeeping writes them. */
export function waitingOf(topic: string, item: Document | undefined, runs: RunItems): Waiting {
  const upload = readWaitingUpload(item);
  return {
    cycles: [...cyclesOf(topic, LAYERS.standardized, runs.raw), ...cyclesOf(topic, LAYERS.curated, runs.curated)].sort(
      (a, b) => (a.cycleId < b.cycleId ? -1 : a.cycleId > b.cycleId ? 1 : 0),
    ),
    upload: upload && { etag: upload.etag, since: upload.since },
  };
}

function cyclesOf(topic: string, layer: WaitingCycle['layer'], run: Document | undefined): WaitingCycle[] {
  const notes: unknown = run?.['held'];
  if (!Array.isArray(notes)) return [];
  return notes.filter(isObject).flatMap((note) => {
    const { topic_name: name, cycle_id: cycleId, since } = note;
    if (name !== topic || typeof cycleId !== 'string') return [];
    return [{ layer, cycleId, since: typeof since === 'string' ? since : '' }];
  });
}
