/**
 * A graph of the documents: a run that produces its data, a check of them, and their drawing. And the usual kind: a
 * few lines over two axes, whose data and shapes are declared in one object.
 */
import { describeMachine, type Machine, machineLine } from '../../src/tools/harness/machine.ts';
import type { Axis } from './axis.ts';
import { drawLines, type LineChart, type Point } from './draw.ts';
import { complaintOf, type Distance, type Shape } from './shapes.ts';

/** What every data file carries, beside its figures. */
export interface GraphData {
  schema: 1;
  /** The name of the graph. */
  graph: string;
  startedAt: string;
  /** The command that runs and draws it again. */
  command: string;
  machine: Machine;
}

export interface Graph<Data extends GraphData = GraphData> {
  name: string;
  /** One line for the list of graphs. */
  about: string;
  /** Its required shape, in words. */
  shape: string[];
  run(say: Say): Promise<Data>;
  /** Throws if the data do not have the required shape. */
  check(data: Data): void;
  /** As a file of SVG. */
  draw(data: Data): Promise<string>;
}

export type Say = (line: string) => void;

export interface LineData extends GraphData {
  /** Each by its name, its points from left to right. */
  series: Record<string, Point[]>;
}

interface LinePlan {
  name: string;
  about: string;
  title: string;
  /** Up to two lines: what was run. */
  subtitle: string[];
  /** By the names of the series, in the order in which they are drawn. */
  shapes: Record<string, Shape[]>;
  distances?: Distance[];
  /** Where points are required: at each of these; or in a range, no two neighbours further apart than the step. */
  at: readonly number[] | { from: number; to: number; step: number };
  /** Series that may end early. */
  short?: string[];
  moments?: LineChart['moments'];
  measure(say: Say): Promise<Record<string, Point[]>>;
  x(values: number[]): Axis;
  y(values: number[]): Axis;
  /** Text at the right end of a series, below its name. */
  label?(name: string, points: Point[]): string[];
  /** All that the graph says, in a sentence or two with its figures. */
  describe(series: Record<string, Point[]>): string;
}

/** Room above the highest value: a curve along the upper edge would be hard to see. */
const HEADROOM = 1.03;
/** More points than these are a curve, and get no dots. */
const DOTS_MAX = 20;

export function lineGraph(plan: LinePlan): Graph<LineData> {
  const { name, about, shapes, distances = [] } = plan;
  return {
    name,
    about,
    shape: [
      ...Object.entries(shapes).flatMap(([series, all]) => all.map(({ says }) => `${series} ${says}`)),
      ...distances.map(sentenceOf),
    ],
    run: async say => {
      return { ...headOf(name), series: await plan.measure(say) };
    },
    check: data => {
      checkHead(name, data);
      const { series } = data;
      for (const [each, all] of Object.entries(shapes)) {
        checkPoints(each, series?.[each]);
        if (!plan.short?.includes(each)) checkPlaces(each, series[each]!, plan.at);
        for (const { says, complaint } of all) {
          const wrong = complaint(series[each]!);
          if (wrong !== undefined) throw new Error(`${each} should be one that ${says}; it ${wrong}`);
        }
      }
      for (const distance of distances) {
        const wrong = complaintOf(distance, series);
        if (wrong !== undefined) throw new Error(wrong);
      }
    },
    draw: data => drawLines(chartOf(plan, data)),
  };
}

/** When, and on which machine, a run was begun. */
export function headOf(name: string): GraphData {
  return {
    schema: 1 as const,
    graph: name,
    startedAt: new Date().toISOString(),
    command: `npm run graphs -- ${name}`,
    machine: describeMachine(),
  };
}

export function footerOf({ command, startedAt, machine }: GraphData): string[] {
  return [`${command}, ${startedAt.slice(0, 10)}`, machineLine(machine)];
}

function chartOf(plan: LinePlan, data: LineData): LineChart {
  const names = Object.keys(plan.shapes);
  const points = names.flatMap(name => data.series[name]!);
  return {
    title: plan.title,
    subtitle: plan.subtitle,
    footer: footerOf(data),
    description: plan.describe(data.series),
    x: plan.x(points.map(({ x }) => x)),
    y: plan.y(points.map(({ y }) => y * HEADROOM)),
    series: names.map(name => {
      const points = data.series[name]!;
      return {
        points,
        label: [name, ...(plan.label?.(name, points) ?? [])],
        dots: points.length <= DOTS_MAX ? points : [],
      };
    }),
    ...(plan.moments && { moments: plan.moments }),
  };
}

/** Throws unless the data name their graph and their origin. */
export function checkHead(name: string, data: GraphData | null): void {
  const { schema, graph, startedAt, machine } = data ?? {};
  if (schema !== 1 || graph !== name)
    throw new Error(`the data are of ${graph}, schema ${schema}, not of ${name}`);
  if (Number.isNaN(Date.parse(String(startedAt))) || typeof machine?.cpu !== 'string')
    throw new Error('the data do not say when they were measured, and on which machine');
}

/** Throws where points are missing: a curve of a few points can look like anything. */
function checkPlaces(series: string, points: Point[], at: LinePlan['at']): void {
  if ('step' in at) {
    const xs = [...points.map(({ x }) => x), at.to];
    const gap = xs.findIndex((x, index) => x - (xs[index - 1] ?? at.from) > at.step);
    if (gap >= 0) throw new Error(`${series} has no point between ${xs[gap - 1] ?? at.from} and ${xs[gap]}`);
    return;
  }
  const xs = points.map(({ x }) => x);
  if (xs.join() !== at.join()) throw new Error(`${series} has points at ${xs}, not at ${at}`);
}

/** Throws unless they are numbers, from left to right. */
function checkPoints(series: string, points: Point[] | undefined): void {
  if (!Array.isArray(points) || points.length < 2)
    throw new Error(`${series} has ${points?.length ?? 'no'} points`);
  for (const [index, { x, y }] of points.entries()) {
    if (!Number.isFinite(x) || !Number.isFinite(y) || y < 0)
      throw new Error(`${series} has a point ${x}, ${y}`);
    if (index > 0 && !(x > points[index - 1]!.x))
      throw new Error(`${series} goes back from ${points[index - 1]!.x} to ${x}`);
  }
}

function sentenceOf({ upper, lower, from, times }: Distance): string {
  return `${upper} is ${times} times ${lower} or more, from ${from} on`;
}
