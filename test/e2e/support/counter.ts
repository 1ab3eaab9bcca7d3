import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { SOCKET } from './lab.ts';

/** Stands between hostctl and the engine and writes down every call. */
export class CallCounter {
  readonly calls: string[] = [];
  readonly endpoint: string;
  readonly #path: string;
  readonly #engine: string;
  readonly #server: Server;

  /** @param engine endpoint of the engine that answers */
  protected constructor(engine: string) {
    this.#path = join(tmpdir(), `hostctl-count-${process.pid}-${performance.now()}.sock`);
    this.endpoint = `unix://${this.#path}`;
    this.#engine = engine.replace('unix://', '');
    this.#server = createServer((incoming, outgoing) => {
      this.#note(incoming);
      this.pass(incoming, outgoing);
    });
    this.#server.on('upgrade', (incoming: IncomingMessage, socket, head) => {
      this.#note(incoming);
      const onward = connect(this.#engine, () => {
        const headers = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${String(value)}`);
        onward.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
        onward.write(head);
        onward.pipe(socket);
        socket.pipe(onward);
      });
    });
  }

  static async open(engine = SOCKET): Promise<CallCounter> {
    return new CallCounter(engine).listen();
  }

  protected async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#path, resolve));
    return this;
  }

  /** One call on its way. */
  protected pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.ask(incoming, outgoing, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
  }

  /** Has the engine do what was asked. */
  protected ask(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    answered: (answer: IncomingMessage) => void,
  ): void {
    const { method, url: path, headers } = incoming;
    const onward = request({ socketPath: this.#engine, method, path, headers }, answered);
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    if (headers['content-length'] === undefined) incoming.pipe(onward);
    // In one piece: the engine hangs up on who still writes when it has read enough.
    else
      void buffer(incoming).then(
        (body) => onward.end(body),
        () => onward.destroy(),
      );
  }

  /** Calls that change something on the engine. */
  get writes(): string[] {
    return this.calls.filter((call) => !call.startsWith('GET ') && !call.startsWith('HEAD '));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #note(incoming: IncomingMessage): void {
    this.calls.push(`${incoming.method} ${(incoming.url ?? '').replace(/^\/v[\d.]+/, '').replace(/\?.*/, '')}`);
  }
}
