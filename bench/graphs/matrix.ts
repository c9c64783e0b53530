/** The matrix of pains as a picture: every pain by every step, from a run of all witnesses. */

import type { Spec } from 'vega';
import { count } from '../../src/cli/terminal/numbers.ts';
import { nameOf, STEPS, type Subject } from '../../steps/kit/manifest.ts';
import { pairs, runPair, SUBJECTS } from '../../steps/kit/matrix.ts';
import { drawIn, EDGE_PX, type Room, TEXT_PX } from './frame.ts';
import { checkHead, footerOf, type Graph, type GraphData, headOf, type Say } from './graph.ts';

interface Cell {
  pain: number;
  step: Subject;
  expected: string;
  observed: string;
  /** The figure that shows the pain; 0 if there was no verdict. */
  figure: number;
}

export interface Matrix extends GraphData {
  elapsedS: number;
  cells: Cell[];
}

/** Which figure of a witness shows the pain, its text, and its value where the pain is present. */
const TOLD: Record<
  number,
  [figure: string, say: (value: number) => string, hurts: (value: number) => boolean]
> = {
  1: ['secondWaitedMs', ms => `the second client waits ${count(ms)} ms`, ms => ms >= 1_000],
  2: ['unreadMiB', mib => `${count(mib)} MiB kept for one who does not read`, mib => mib > 32],
  3: ['refused', events => `${count(events)} of 1,000 split events refused`, events => events > 500],
  4: ['healthP99Ms', ms => `health takes ${count(ms)} ms beside a flood`, ms => ms > 500],
  5: ['refused', events => `${count(events)} of 250 events refused`, events => events > 0],
  6: ['lost', updates => `${count(updates)} of 320 updates lost`, updates => updates > 0],
  7: ['ratio', times => `8 workers do ${times.toFixed(1)} × the work of 1`, times => times > 0 && times < 2],
  8: ['processed', events => `${count(events)} of 100 events counted`, events => events === 0],
  9: ['lost', events => `${count(events)} of 300 accepted events lost`, events => events > 0],
  10: ['elapsedMs', ms => `still running after ${count(ms / 1_000)} s`, ms => ms >= 10_000],
};

const ROW_PX = 34;
const COLUMN_PX = 36;
const NAMES_PX = 300;
const NUMBER_PX = 30;
const FIGURES_PX = 290;
const MARGIN = { top: 112, right: FIGURES_PX + EDGE_PX, bottom: 62, left: EDGE_PX + NAMES_PX };
const ROOM: Room = {
  widthPx: MARGIN.left + SUBJECTS.length * COLUMN_PX + MARGIN.right,
  heightPx: MARGIN.top + STEPS.length * ROW_PX + MARGIN.bottom,
  margin: MARGIN,
};
const BASE_PX = 5;
const [PRESENT_AREA_PX, ABSENT_AREA_PX] = [230, 60];

export const graph: Graph<Matrix> = {
  name: 'matrix',
  about: 'every pain on every step it applies to',
  shape: ['every cell is what steps/kit/manifest.ts says it must be'],
  run,
  check,
  draw: data => {
    check(data);
    return drawIn(
      {
        title: 'Ten servers, each wrong in one new way',
        subtitle: [
          'Every pain, on every step that it applies to, and on the finished server (src). A filled dot: it hurts.',
        ],
        footer: footerOf(data),
        description: STEPS.map(
          ({ number, pain }) =>
            `Pain ${number}, ${pain}: present in ${listed(data, number, 'present')}, absent in ${listed(data, number, 'absent')}.`,
        ).join(' '),
      },
      ROOM,
      specOf(data),
    );
  },
};

async function run(say: Say): Promise<Matrix> {
  const head = headOf(graph.name);
  const startMs = performance.now();
  const cells: Cell[] = [];
  for (const pair of pairs(undefined)) {
    const { pain, step, expected, observed, evidence } = await runPair(pair);
    say(`pain ${pain}, ${nameOf(step)}: ${observed}`);
    const figure = evidence[TOLD[pain]![0]];
    cells.push({ pain, step, expected, observed, figure: typeof figure === 'number' ? figure : 0 });
  }
  return { ...head, elapsedS: Math.round((performance.now() - startMs) / 1_000), cells };
}

function check(data: Matrix): void {
  checkHead(graph.name, data);
  const { cells } = data;
  const wanted = pairs(undefined);
  if (cells?.length !== wanted.length)
    throw new Error(`${cells?.length ?? 'no'} cells, not ${wanted.length}`);
  for (const [index, { pain, step, expected }] of wanted.entries()) {
    const cell = cells[index]!;
    if (cell.pain !== pain || cell.step !== step || cell.observed !== expected)
      throw new Error(
        `pain ${pain} on ${nameOf(step)} should be ${expected}; the data have pain ${cell.pain} on ${nameOf(cell.step)}, ${cell.observed}`,
      );
    if (expected === 'present' && !TOLD[pain]![2](cell.figure))
      throw new Error(`pain ${pain} on ${nameOf(step)} is present, but its figure is ${cell.figure}`);
  }
}

function listed({ cells }: Matrix, number: number, what: string): string {
  const steps = cells.filter(({ pain, observed }) => pain === number && observed === what);
  return steps.map(({ step }) => (step === 'src' ? step : `step ${step}`)).join(', ');
}

/** What is drawn, by kind, each with its place. */
function placed({ cells }: Matrix) {
  const dots = (what: string) =>
    cells
      .filter(({ observed }) => observed === what)
      .map(({ pain, step }) => ({ x: middleOf(SUBJECTS.indexOf(step)), y: rowOf(pain) }));
  return {
    columns: SUBJECTS.map((subject, index) => ({ x: middleOf(index), y: -14, text: String(subject) })),
    strong: STEPS.map(({ number, pain }) => ({
      x: NUMBER_PX - NAMES_PX,
      y: rowOf(number) + BASE_PX,
      text: pain,
    })),
    numbers: STEPS.map(({ number }) => ({
      x: NUMBER_PX - NAMES_PX - 10,
      y: rowOf(number) + BASE_PX,
      text: String(number),
    })),
    figures: STEPS.map(({ number }) => ({
      x: SUBJECTS.length * COLUMN_PX + 14,
      y: rowOf(number) + BASE_PX,
      text: figureOf(cells, number),
    })),
    'dot-0': dots('present'),
    empty: dots('absent'),
  };
}

function figureOf(cells: Cell[], number: number): string {
  const { figure } = cells.find(({ pain, observed }) => pain === number && observed === 'present')!;
  return TOLD[number]![1](figure);
}

function specOf(data: Matrix): Spec {
  const kinds = placed(data);
  const at = { x: { field: 'x' }, y: { field: 'y' } };
  const texts = (name: keyof typeof kinds, encoding: object) => ({
    type: 'text' as const,
    name,
    from: { data: `${name}-data` },
    encode: { update: { ...at, text: { field: 'text' }, fontSize: { value: TEXT_PX }, ...encoding } },
  });
  const circles = (name: keyof typeof kinds, encoding: object) => ({
    type: 'symbol' as const,
    name,
    from: { data: `${name}-data` },
    encode: { update: { ...at, ...encoding } },
  });
  return {
    data: Object.entries(kinds).map(([name, values]) => ({ name: `${name}-data`, values })),
    marks: [
      texts('columns', { align: { value: 'center' } }),
      texts('strong', {}),
      texts('numbers', { align: { value: 'right' } }),
      texts('figures', { fontSize: { value: 12 } }),
      circles('dot-0', { size: { value: PRESENT_AREA_PX }, strokeWidth: { value: 0 } }),
      circles('empty', {
        size: { value: ABSENT_AREA_PX },
        fillOpacity: { value: 0 },
        strokeWidth: { value: 1.5 },
        strokeOpacity: { value: 0.6 },
      }),
    ],
  };
}

function rowOf(pain: number): number {
  return (pain - 0.5) * ROW_PX;
}

function middleOf(column: number): number {
  return (column + 0.5) * COLUMN_PX;
}
