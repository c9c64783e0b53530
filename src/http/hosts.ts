/**
 * The hosts that a request may name, against DNS rebinding: if another site's name is made to resolve to our address,
 * a browser takes that site's page for ours, but the host header still has the other name. So a name is right only if
 * no other site can have it. A tunnel may use another port: all pass.
 *
 * Through TLS, the names that the server's certificate is for are right as well: nobody else can show one for them.
 */
import { isIP, isIPv6 } from 'node:net';

const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i;

/** `host` is what a request names, `listensOn` the setting `--http-host`; `isCertified` knows the certificate's names. */
export function isOwnHost(
  host: string,
  listensOn: string,
  isCertified: (name: string) => boolean = () => false,
): boolean {
  if (LOOPBACK.test(host)) return true;
  const [, address, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(host) ?? [];
  if (name !== '' && isCertified(name)) return true;
  if (isLoopbackOnly(listensOn)) return false;
  if (address !== undefined) return isIPv6(address);
  // An address is nobody's name. A name without a dot is given by the local network only.
  return isIP(name) !== 0 || /^[\w-]+$/.test(name) || name.toLowerCase() === listensOn.toLowerCase();
}

/** For the client of a request that names another host. */
export function ownHosts(listensOn: string, hasCertificate = false): string {
  const certified = hasCertificate ? ', the names in its certificate' : '';
  if (isLoopbackOnly(listensOn)) return `127.0.0.1${certified}, localhost and [::1] only`;
  const name = isIP(listensOn) === 0 ? listensOn : 'the name of --http-host';
  return `addresses${certified}, names without a dot and ${name} only`;
}

function isLoopbackOnly(listensOn: string): boolean {
  return /^(?:127\.[\d.]+|localhost|::1)$/i.test(listensOn);
}
