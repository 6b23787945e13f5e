import type { Move, Preview } from '@will/operator';
import { dollars, duration, table } from './table.ts';

/** The figures of recorded tasks under proposed documents, in words. */
export function previewInWords(preview: Preview): string {
  const { window, tasks, moved, refused, admitted, beforeNanoUsd, afterNanoUsd, unknownCosts, isPartial, moves } =
    preview;
  const newest = isPartial ? 'the newest ' : '';
  const lines = [
    `${newest}${tasks} tasks of the last ${window} replayed: ${moved} move, ${refused} refused, ${admitted} admitted`,
    `cost ${dollars(beforeNanoUsd)} -> ${dollars(afterNanoUsd)}${unknownCosts > 0 ? `, without ${unknownCosts} tasks of unknown cost` : ''}`,
  ];
  return `${lines.join('\n')}\n${moves.length > 0 ? movesTable(moves) : ''}`;
}

const movesTable = (moves: readonly Move[]): string =>
  table(moves, [
    { title: 'TASKS', value: ({ tasks }) => tasks, align: 'right' },
    { title: 'TYPE', value: ({ taskType }) => taskType },
    { title: 'CLIENT', value: ({ client, project }) => (project === '' ? client : `${client}/${project}`) },
    { title: 'FROM', value: ({ from }) => from || 'refused' },
    { title: 'TO', value: ({ to }) => to || 'refused' },
    { title: 'COST', value: ({ beforeNanoUsd }) => dollars(beforeNanoUsd), align: 'right' },
    { title: 'THEN', value: ({ afterNanoUsd }) => dollars(afterNanoUsd), align: 'right' },
    { title: 'TOOK', value: ({ beforeMs }) => (beforeMs === undefined ? '' : duration(beforeMs)), align: 'right' },
    { title: 'THEN', value: ({ afterMs }) => (afterMs === undefined ? '' : duration(afterMs)), align: 'right' },
    {
      title: 'DATA',
      value: ({ dataClassBefore, dataClassAfter }) =>
        dataClassBefore === dataClassAfter ? dataClassAfter : `${dataClassBefore} -> ${dataClassAfter}`,
    },
  ]);
