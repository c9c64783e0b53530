/**
 * The servers of NATS that a setting names.
 */

export interface NatsServer {
  /** `nats://HOST:PORT`, or `tls://HOST:PORT`. */
  readonly address: string;
  /** Empty: none was given. */
  readonly user: string;
  readonly password: string;
}

const PORT = 4222;

/** Each of them, or undefined for one that is no address. */
export function natsServersOf(cluster: string): (NatsServer | undefined)[] {
  return cluster.split(',').map(each => {
    if (!URL.canParse(each.trim())) return undefined;
    const { protocol, hostname, port, username, password, pathname } = new URL(each.trim());
    if (!['nats:', 'tls:'].includes(protocol) || hostname === '' || pathname.length > 1) return undefined;
    return {
      address: `${protocol}//${hostname}:${port || PORT}`,
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
    };
  });
}
