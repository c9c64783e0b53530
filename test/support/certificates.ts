/**
 * Certificates for tests, made by openssl: an authority, a server of it, clients of it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  cert: string;
  key: string;
}

export class Authority {
  readonly dir = mkdtempSync(join(tmpdir(), 'tally-tls-'));
  readonly ca: string;
  readonly #key: string;
  #count = 0;

  constructor(name = 'tests') {
    this.ca = join(this.dir, 'ca.pem');
    this.#key = join(this.dir, 'ca-key.pem');
    openssl([
      'req',
      '-x509',
      ...KEY,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      this.#key,
      '-out',
      this.ca,
    ]);
  }

  /** A certificate for a name, and for 127.0.0.1. */
  issue(name: string, alternatives = `DNS:${name},DNS:localhost,IP:127.0.0.1`): Certificate {
    const serial = ++this.#count;
    const at = (kind: string) => join(this.dir, `${serial}-${kind}.pem`);
    const extensions = join(this.dir, `${serial}.ext`);
    writeFileSync(extensions, `subjectAltName=${alternatives}\n`);
    openssl(['req', '-new', ...KEY, '-subj', `/CN=${name}`, '-keyout', at('key'), '-out', at('request')]);
    const signing = ['-CA', this.ca, '-CAkey', this.#key, '-CAcreateserial', '-extfile', extensions];
    openssl(['x509', '-req', '-days', '2', '-in', at('request'), ...signing, '-out', at('cert')]);
    return { cert: at('cert'), key: at('key') };
  }

  /** Of a file, for `tls.connect`. */
  read(path: string): Buffer {
    return readFileSync(path);
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function openssl(args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
