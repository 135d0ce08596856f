import { groupBy } from '../schemas/group-by';
import { FILE_START } from '../schemas/locate-problems';
import { OUTCOMES, type FileResult, type Outcome } from '../upload/file-result';
import { counted, plain } from './text';
import { annotate } from './github';
import { problemAnnotation, problemText } from './lint';

/** How the summary names each outcome. */
const WORDS: Readonly<Record<Outcome, string>> = {
  READY: 'ready',
  ACTIVE: 'already active',
  PLANNED: 'would be uploaded',
  REFUSED: 'refused',
  SUPERSEDED: 'replaced by a newer upload',
  PENDING_MAINTENANCE: 'waiting for the release of its topic',
  PENDING_REBUILD: 'waiting for the rebuild of its table',
  NO_VERDICT: 'without a verdict',
  FAILED: 'failed',
};

function headline({ outcome, seconds, changes, uploaded, mends }: FileResult): string {
  const after = seconds === null ? '' : ` after ${seconds.toFixed(1)} s`;
  const what = changes === null ? 'new' : counted(changes, 'change');
  switch (outcome) {
    case 'READY':
      return `READY${after}, ${mends ? 'the tables are mended' : what}`;
    case 'ACTIVE':
      return 'already active: nothing uploaded';
    case 'PLANNED':
      return `would be uploaded: ${mends ? 'its tables would be mended' : what}`;
    case 'REFUSED':
      return `REFUSED${uploaded ? ` by schema-validator${after}` : ''}`;
    case 'SUPERSEDED':
      return `replaced by a newer upload${after}`;
    case 'PENDING_MAINTENANCE':
      return `PENDING_MAINTENANCE${after}: the topic is held`;
    case 'PENDING_REBUILD':
      return `PENDING_REBUILD${after}: Curated is being rebuilt`;
    case 'NO_VERDICT':
      return `no verdict${after}`;
    case 'FAILED':
      return 'failed';
  }
}

function title({ topic, version }: FileResult): string {
  return version === null ? plain(topic) : `${plain(topic)}, version ${version}`;
}

export function resultText(result: FileResult): string {
  const note = result.note === null ? '' : `          ${plain(result.note)}\n`;
  return `${plain(result.file)}  (${title(result)})  ${headline(result)}\n${note}${result.problems.map(problemText).join('')}`;
}

export function resultGithub(result: FileResult): string {
  const { file, outcome, note } = result;
  const well = outcome === OUTCOMES.ready || outcome === OUTCOMES.active || outcome === OUTCOMES.planned;
  const message = note === null ? headline(result) : `${headline(result)}\n${plain(note)}`;
  const whole = annotate({ level: well ? 'notice' : 'error', file, ...FILE_START, title: title(result), message });
  return result.problems.map(problemAnnotation).join('') + whole;
}

/** The last line of the report: `3 schemas: 2 ready, 1 refused.` */
export function summaryText(results: readonly FileResult[]): string {
  const groups = groupBy(results, ({ outcome }) => outcome);
  const counts = Object.values(OUTCOMES).flatMap((outcome) => {
    const { length } = groups.get(outcome) ?? [];
    return length === 0 ? [] : [`${length} ${WORDS[outcome]}`];
  });
  return `${counted(results.length, 'schema')}${counts.length === 0 ? '' : `: ${counts.join(', ')}`}.\n`;
}
