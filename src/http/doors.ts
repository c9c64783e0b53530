/**
 * What strangers meet before they get an answer: TLS, and the gate. Each is loaded only where the settings ask for it.
 *
 * A reload is in two halves, as everywhere: `prepare` reads the files and changes nothing, `commit` puts them in force.
 */
import type { Gate } from './gate.ts';
import type { Protection } from './protection.ts';
import type { SecureServer } from './secure-server.ts';
import type { FromHttpThread } from './snapshot.ts';

/** How often the log hears of refusals that were only counted. */
const MISSING_MS = 1_000;

export interface Doors {
  readonly gate: Gate | undefined;
  readonly secure: SecureServer | undefined;
  /** Reads the files again, and says whether that went well. */
  prepare(round: number): Promise<void>;
  /** What was read for another round, or could not be read, stays out. */
  commit(round: number): void;
}

/** Throws an error of one line about the first file that can't be used. */
export async function openDoors(
  { https, gate: asks }: Protection = { https: undefined, gate: undefined },
  send: (message: FromHttpThread) => void,
): Promise<Doors> {
  const secure = https && new (await import('./secure-server.ts')).SecureServer(https);
  const gate = asks && (await openGate(asks, send));
  let prepared: { round: number; apply: () => void } | undefined;
  return {
    gate,
    secure,
    async prepare(round) {
      let mistake: string | undefined;
      try {
        const renew = secure?.prepare();
        const replace = await gate?.prepare();
        const apply = () => {
          renew?.();
          replace?.();
        };
        prepared = { round, apply };
      } catch (error) {
        mistake = (error as Error).message;
      }
      send({ is: 'prepared', round, mistake });
    },
    commit(round) {
      if (prepared?.round === round) prepared.apply();
      prepared = undefined;
    },
  };
}

/** Its audit lines are written by the socket thread, which has the log. */
async function openGate(
  settings: NonNullable<Protection['gate']>,
  send: (message: FromHttpThread) => void,
): Promise<Gate> {
  const [{ Gate }, { Audit }] = await Promise.all([import('./gate.ts'), import('../guard/audit.ts')]);
  const warn = (event: string, fields: Record<string, unknown>, text: string) =>
    send({ is: 'warning', event, fields, text });
  const audit = new Audit({ info: warn, note: warn, warn });
  setInterval(() => audit.sayMissing(), MISSING_MS).unref();
  return Gate.open(settings, audit);
}
