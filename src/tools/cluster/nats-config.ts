/** The configuration of one nats-server with JetStream, as text: alone, or one of several on this machine. */

export interface NatsConfig {
  readonly name: string;
  readonly port: number;
  readonly httpPort: number;
  /** Where JetStream keeps its files. */
  readonly folder: string;
  /** Of itself, and of all servers, itself included; undefined: it is alone. */
  readonly routes: { readonly port: number; readonly all: readonly number[] } | undefined;
  /** False: clients are not told of the other servers. */
  readonly advertises?: boolean;
  /** More lines of configuration, such as users or limits. */
  readonly more?: string;
  /** False: JetStream is off. */
  readonly hasJetStream?: boolean;
}

const HOST = '127.0.0.1';

export function natsConfigText({ name, port, httpPort, folder, routes, more, ...has }: NatsConfig): string {
  const lines = [
    `server_name: ${name}`,
    `listen: "${HOST}:${port}"`,
    `http: "${HOST}:${httpPort}"`,
    ...(has.hasJetStream === false ? [] : [`jetstream { store_dir: ${JSON.stringify(folder)} }`]),
  ];
  if (routes !== undefined) {
    const urls = routes.all.map(each => `"nats-route://${HOST}:${each}"`).join(', ');
    const telling = has.advertises === false ? ', no_advertise: true' : '';
    lines.push(`cluster { name: try, listen: "${HOST}:${routes.port}", routes: [${urls}]${telling} }`);
  }
  return `${[...lines, more ?? ''].join('\n')}\n`;
}
