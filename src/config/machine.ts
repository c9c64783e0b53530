/**
 * What the machine has for this process, or the container around it; and the defaults that depend on it. A default
 * must not be what gets the server killed.
 */
import { availableParallelism, totalmem } from 'node:os';
import { cgroupLimits } from './cgroup.ts';
import { descriptorLimit } from './descriptors.ts';

export interface Machine {
  /** Whole cores that it may use. */
  cores: number;
  memoryBytes: number;
  /** Descriptors that it may open. */
  descriptors: number;
}

const limits = cgroupLimits();

/** As it was at the start. */
export const THIS_MACHINE: Machine = {
  cores: Math.min(availableParallelism(), Math.max(1, Math.floor(limits.cores))),
  memoryBytes: Math.min(totalmem(), limits.memoryBytes),
  descriptors: descriptorLimit(),
};

const MIB = 2 ** 20;
/** Resident without workers and users; measured, rounded up. */
const BASE_BYTES = 56 * MIB;
/** A thread and its ring. */
const A_WORKER_BYTES = 10 * MIB;
/** A user with a name of usual length, while its table grows. */
const A_USER_BYTES = 128;
const WORKERS_MAX = 64;
const USERS_MIN = 10_000;

/** One less than the cores, and at most half of the memory. */
export function workersFor({ cores, memoryBytes }: Pick<Machine, 'cores' | 'memoryBytes'>): number {
  const fitting = Math.floor((memoryBytes / 2 - BASE_BYTES) / A_WORKER_BYTES);
  return Math.max(1, Math.min(WORKERS_MAX, cores - 1, fitting));
}

/** Those that fit into half of the memory that is left; the other half is for connections. */
export function usersFor({ memoryBytes }: Pick<Machine, 'memoryBytes'>, workers: number): number {
  const left = memoryBytes - BASE_BYTES - workers * A_WORKER_BYTES;
  return Math.max(USERS_MIN, Math.floor(left / 2 / A_USER_BYTES));
}
