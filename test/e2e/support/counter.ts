import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SOCKET } from './lab.ts';

/** Stands between hostctl and the engine and writes down every call. */
export class CallCounter {
  readonly calls: string[] = [];
  readonly endpoint: string;
  readonly #server: Server;

  private constructor(path: string) {
    this.endpoint = `unix://${path}`;
    const engine = SOCKET.replace('unix://', '');
    this.#server = createServer((incoming, outgoing) => {
      this.#note(incoming);
      const onward = request(
        { socketPath: engine, method: incoming.method, path: incoming.url, headers: incoming.headers },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        },
      );
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    });
    this.#server.on('upgrade', (incoming: IncomingMessage, socket, head) => {
      this.#note(incoming);
      const onward = connect(engine, () => {
        const headers = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${String(value)}`);
        onward.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
        onward.write(head);
        onward.pipe(socket);
        socket.pipe(onward);
      });
    });
  }

  static async open(): Promise<CallCounter> {
    const path = join(tmpdir(), `hostctl-count-${process.pid}-${Date.now()}.sock`);
    const counter = new CallCounter(path);
    await new Promise<void>((resolve) => counter.#server.listen(path, resolve));
    return counter;
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
