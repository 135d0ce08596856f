import type { Point } from '@lean-ops/common/core';
import { timeText } from '../status/duration';
import { renderTable, type Display } from './table';
import { counted } from './text';

/** The points of a topic, newest first. more: how many there are besides. */
export function pointsText(
  topic: string,
  points: readonly Point[],
  more: number,
  now: number,
  display: Display,
): string {
  if (points.length === 0) return `${topic} has no points: no cycle has written to its tables yet.\n`;
  const table = renderTable(
    {
      columns: [
        // A cycle is copied into the next command, so it stays whole.
        { heading: 'cycle', kind: 'number' },
        { heading: 'committed', kind: 'text' },
        { heading: 'standardized', kind: 'number' },
        { heading: 'curated', kind: 'number' },
        { heading: 'schema', kind: 'number' },
        { heading: 'is', kind: 'text' },
      ],
      rows: points.map((point) => [
        point.cycleId,
        timeText(point.at, now),
        point.layers.standardized?.rows ?? null,
        point.layers.curated?.rows ?? null,
        point.layers.curated?.schemaVersion ?? null,
        wordsOf(point),
      ]),
    },
    display,
  );
  return `${table}${more === 0 ? '' : `\n${counted(more, 'older point')}: --limit ${points.length + more}\n`}`;
}

function wordsOf({ aligned, current, layers, undoes }: Point): string | null {
  const words = [
    ...(current.length === 0
      ? []
      : [current.length === Object.keys(layers).length ? 'current' : `current in ${current.join(', ')}`]),
    ...(aligned ? [] : ['not whole']),
    ...undoes.map((operation) => `before ${operation}`),
  ];
  return words.length === 0 ? null : words.join('; ');
}
