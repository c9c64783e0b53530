/**
 * What administration may be asked for: lines that were found to be JSON, read strictly.
 */
import { LOG_LEVELS, type LogLevel } from '../log.ts';
import { USER_BYTES_MAX } from '../protocol/limits.ts';
import { repeatedKey } from '../security/repeated-key.ts';

export type AdminRequest =
  | { do: 'users'; prefix: string; after: string; limit: number }
  | { do: 'connections'; after: number; limit: number }
  | { do: 'close'; client: number }
  | { do: 'log_level'; level: LogLevel }
  | { do: 'snapshot' };

const LIMIT = 100;
const LIMIT_MAX = 1_000;

/** Undefined if it is none, or any of its fields is not as it should be. Fields that are unknown are ignored. */
export function readRequest(line: string): AdminRequest | undefined {
  if (repeatedKey(line) !== undefined) return undefined;
  const fields = JSON.parse(line) as Record<string, unknown>;
  const { prefix = '', limit = LIMIT, client, level } = fields;
  switch (fields.do) {
    case 'users': {
      const { after = '' } = fields;
      if (!isName(prefix) || !isName(after) || !isWhole(limit, 1, LIMIT_MAX)) return undefined;
      return { do: 'users', prefix, after, limit };
    }
    case 'connections': {
      const { after = 0 } = fields;
      if (!isWhole(after, 0) || !isWhole(limit, 1, LIMIT_MAX)) return undefined;
      return { do: 'connections', after, limit };
    }
    case 'close':
      return isWhole(client, 1) ? { do: 'close', client } : undefined;
    case 'log_level': {
      const known = LOG_LEVELS.find(each => each === level);
      return known && { do: 'log_level', level: known };
    }
    case 'snapshot':
      return { do: 'snapshot' };
    default:
      return undefined;
  }
}

/** The beginning of a name, or all of it. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) <= USER_BYTES_MAX && !/\p{Cs}/u.test(value);
}

function isWhole(value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}
