import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Lab } from '../../e2e/support/lab.ts';

export interface Door {
  readonly host: string;
  readonly port: number;
}

/** Where visitors from elsewhere arrive: the proxy's own address. The engine's program in between is for loopback alone. */
export async function doorOf(lab: Lab): Promise<Door> {
  const edge = (await lab.inspectAll()).get(lab.edge)!;
  return { host: edge.NetworkSettings.Networks[`${lab.instance}.edge`]!.IPAddress, port: 8080 };
}

/** Connections that are held open until `stop`, at most so many at once being made. */
export class Crowd {
  readonly #sockets = new Set<Socket>();
  /** That the proxy has closed, or never took. */
  closed = 0;

  async join({ host, port }: Door, count: number, first: string): Promise<void> {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await this.#one(host, port, first);
      }
    };
    await Promise.all(Array.from({ length: 200 }, worker));
  }

  #one(host: string, port: number, first: string): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect({ host, port });
      this.#sockets.add(socket);
      socket.on('connect', () => {
        if (first !== '') socket.write(first, 'latin1');
        resolve();
      });
      socket.on('error', () => resolve());
      socket.on('close', () => {
        if (this.#sockets.delete(socket)) this.closed += 1;
      });
      socket.setTimeout(10_000, () => resolve());
    });
  }

  get open(): number {
    return [...this.#sockets].filter((socket) => socket.readyState === 'open').length;
  }

  /** Everybody says something, every so often, for some seconds. */
  async trickle(text: () => string, seconds: number, every = 1000): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      for (const socket of this.#sockets) if (socket.writable) socket.write(text(), 'latin1');
      await setTimeout(every);
    }
  }

  /** Nobody reads what is sent. */
  ignore(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  listen(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  stop(): void {
    const all = [...this.#sockets];
    this.#sockets.clear();
    for (const socket of all) socket.destroy();
  }
}

/** What comes back for some bytes until the connection ends or falls silent. */
export function exchange({ host, port }: Door, bytes: string, silence = 3000): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host, port }, () => socket.write(bytes, 'latin1'));
    socket.setTimeout(silence, () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

export function statusesOf(text: string): number[] {
  return [...text.matchAll(/^HTTP\/1\.[01] (\d+)/gm)].map((match) => Number(match[1]));
}
