import type { Duplex } from 'node:stream';
import type { Terminal } from '../ports.ts';
import type { EngineApi } from './api.ts';
import { frames } from './streams.ts';

/** The streams of the person who sits at it, or of a program; only a terminal has a size and a raw mode. */
export interface Seat {
  readonly input: NodeJS.ReadableStream & { setRawMode?(on: boolean): unknown };
  readonly output: NodeJS.WritableStream & { readonly rows?: number; readonly columns?: number };
  readonly error: NodeJS.WritableStream;
}

/** Runs a program inside a container with the person's own input and output. */
export class EngineTerminal implements Terminal {
  readonly #api: EngineApi;
  readonly #seat: Seat;

  constructor(api: EngineApi, seat: Seat) {
    this.#api = api;
    this.#seat = seat;
  }

  async attach(name: string, argv: readonly string[], options: { tty: boolean }): Promise<number> {
    const { input, output } = this.#seat;
    const { Id } = await this.#api.json<{ Id: string }>({
      method: 'POST',
      path: `/containers/${name}/exec`,
      body: { AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: options.tty, Cmd: argv },
    });
    const body = { Detach: false, Tty: options.tty };
    const connection = await this.#api.hijack({ method: 'POST', path: `/exec/${Id}/start`, body });
    const resize = (): void => {
      const query = { h: output.rows, w: output.columns };
      this.#api.text({ method: 'POST', path: `/exec/${Id}/resize`, query }).catch(() => undefined);
    };
    if (options.tty) {
      input.setRawMode?.(true);
      output.on('resize', resize);
      resize();
    }
    try {
      input.pipe(connection);
      await this.#show(connection, options.tty);
    } finally {
      if (options.tty) input.setRawMode?.(false);
      output.off('resize', resize);
      input.unpipe(connection);
      input.pause();
      connection.destroy();
    }
    const { ExitCode } = await this.#api.json<{ ExitCode: number }>({ method: 'GET', path: `/exec/${Id}/json` });
    return ExitCode;
  }

  async #show(connection: Duplex, tty: boolean): Promise<void> {
    if (tty) {
      for await (const chunk of connection) this.#seat.output.write(chunk as Buffer);
      return;
    }
    for await (const { from, data } of frames(connection))
      this.#seat[from === 'stderr' ? 'error' : 'output'].write(data);
  }
}
