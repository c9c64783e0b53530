/**
 * A headless Chromium, spoken to over its debugging pipe: JSON messages with a NUL behind each, on descriptors 3 and 4.
 * So it takes no WebSocket, no port, and no package.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { endsWithUs } from '../../src/tools/harness/process.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const ANSWER_MS_MAX = 30_000;

const FLAGS = [
  '--headless=new',
  '--remote-debugging-pipe',
  // In containers there is no room for shared memory, and root may have no sandbox.
  '--disable-dev-shm-usage',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--hide-scrollbars',
  // It looks for nothing of its own.
  ...[
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-extensions',
  ],
];

/** Its name, if there is one that runs: on some systems it is only a script that says where to get it. */
export function findChromium(): string | undefined {
  return NAMES.find(name => {
    const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
    return status === 0 && /Chrom/.test(stdout);
  });
}

type Message = {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
};

export class Chromium {
  /** What the page did that nobody asked it for: errors on its console, and the addresses that it loaded. */
  readonly complaints: string[] = [];
  readonly requested: string[] = [];
  /** How often it was asked for a name and a password. */
  asked = 0;
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #closed: Promise<void>;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #onLoad: () => void = () => {};
  /** What it types when it is asked; undefined: it presses Cancel. */
  #password: string | undefined;
  #lastId = 0;
  #session = '';
  #partial = '';

  private constructor(file: string) {
    this.#profile = mkdtempSync(join(tmpdir(), 'tally-chromium-'));
    this.#child = spawn(file, [...FLAGS, `--user-data-dir=${this.#profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    endsWithUs(this.#child);
    this.#closed = new Promise(resolve => {
      this.#child.on('error', () => {});
      this.#child.on('close', () => {
        const error = { message: 'it has ended' };
        for (const answer of this.#waiting.values()) answer({ error });
        resolve();
      });
    });
    (this.#child.stdio[3] as Writable).on('error', () => {});
    (this.#child.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => this.#receive(text));
  }

  /** One browser with one empty page. */
  static async start(file: string): Promise<Chromium> {
    const chromium = new Chromium(file);
    const { targetInfos } = (await chromium.#send('Target.getTargets')) as {
      targetInfos: { type: string; targetId: string }[];
    };
    const { targetId } = targetInfos.find(target => target.type === 'page')!;
    const { sessionId } = await chromium.#send('Target.attachToTarget', { targetId, flatten: true });
    chromium.#session = sessionId as string;
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await chromium.send(`${domain}.enable`);
    return chromium;
  }

  /** A command of the DevTools protocol, to the page. */
  send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    return this.#send(method, params, this.#session);
  }

  /** Resolves when the page and its scripts are loaded. */
  async open(url: string): Promise<void> {
    const loaded = new Promise<void>(resolve => {
      this.#onLoad = resolve;
    });
    const { errorText } = await this.send('Page.navigate', { url });
    if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
    await loaded;
  }

  /** From now on whoever asks for a name and a password is answered: this one, or with Cancel. */
  async typePassword(password: string | undefined): Promise<void> {
    this.#password = password;
    await this.send('Fetch.enable', { handleAuthRequests: true });
  }

  /** Certificates of no authority that it knows are right, too. */
  async trustAll(): Promise<void> {
    await this.send('Security.setIgnoreCertificateErrors', { ignore: true });
  }

  /** The value of an expression in the page; a promise is waited for. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = (await this.send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })) as { result: { value: Value }; exceptionDetails?: { exception?: { description?: string } } };
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? expression);
    return result.value;
  }

  async resize(width: number, height: number): Promise<void> {
    const size = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.send('Emulation.setDeviceMetricsOverride', size);
  }

  /** `{ 'prefers-color-scheme': 'dark' }` */
  async prefer(features: Record<string, string>): Promise<void> {
    const list = Object.entries(features).map(([name, value]) => ({ name, value }));
    await this.send('Emulation.setEmulatedMedia', { features: list });
  }

  async press(key: string, code = 0): Promise<void> {
    const named = { key, code: key === ' ' ? 'Space' : key, windowsVirtualKeyCode: code };
    const text = { ' ': ' ', Enter: '\r' }[key];
    const down = text === undefined ? { type: 'rawKeyDown' } : { type: 'keyDown', text };
    await this.send('Input.dispatchKeyEvent', { ...down, ...named });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...named });
  }

  /** A picture of the page as PNG. */
  async picture(isWhole = false): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', {
      format: 'png',
      captureBeyondViewport: isWhole,
    });
    return Buffer.from(data as string, 'base64');
  }

  async close(): Promise<void> {
    await this.#send('Browser.close').catch(() => {});
    const late = setTimeout(() => this.#child.kill('SIGKILL'), ANSWER_MS_MAX);
    await this.#closed;
    clearTimeout(late);
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const message = { id, method, params, ...(sessionId === undefined ? {} : { sessionId }) };
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`Chromium: no answer to ${method}`)), ANSWER_MS_MAX);
      this.#waiting.set(id, ({ result, error }) => {
        clearTimeout(late);
        if (error === undefined) resolve(result ?? {});
        else reject(new Error(`Chromium: ${method}: ${error.message}`));
      });
      (this.#child.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    });
  }

  #receive(text: string): void {
    const messages = (this.#partial + text).split('\0');
    this.#partial = messages.pop()!;
    for (const each of messages) {
      const message = JSON.parse(each) as Message;
      if (message.id === undefined) this.#notice(message);
      else this.#waiting.get(message.id)?.(message);
      if (message.id !== undefined) this.#waiting.delete(message.id);
    }
  }

  #notice({ method, params }: Message): void {
    if (method === 'Network.requestWillBeSent')
      this.requested.push((params as { request: { url: string } }).request.url);
    else if (method === 'Page.loadEventFired') this.#onLoad();
    else if (method === 'Fetch.requestPaused') this.#goOn('continueRequest', params!);
    else if (method === 'Fetch.authRequired') {
      this.asked += 1;
      const password = this.#password;
      const typed = { response: 'ProvideCredentials', username: 'anybody', password };
      const authChallengeResponse = password === undefined ? { response: 'CancelAuth' } : typed;
      this.#goOn('continueWithAuth', params!, { authChallengeResponse });
    } else if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params));
    else if (method === 'Runtime.consoleAPICalled') this.complaints.push(JSON.stringify(params));
    else if (method === 'Log.entryAdded')
      this.complaints.push((params as { entry: { text: string; url?: string } }).entry.text);
  }
  /** A request that it has stopped at; it may be gone by then. */
  #goOn(how: string, { requestId }: Record<string, unknown>, more: object = {}): void {
    this.send(`Fetch.${how}`, { requestId, ...more }).catch(() => {});
  }
}
