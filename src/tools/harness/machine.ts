/** The machine that a figure was measured on. Every result carries it: no figure means much without. */
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';

export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  system: string;
  node: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
  };
}

/** In one line, for tables and pages. */
export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGiB, system, node } = machine;
  return `${cores} × ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}`;
}
