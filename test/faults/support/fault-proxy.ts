import type { IncomingMessage, ServerResponse } from 'node:http';
import { CallCounter } from '../../e2e/support/counter.ts';
import { SOCKET } from '../../e2e/support/lab.ts';

/** What happens to one call. `after`: the engine has carried it out and answered in full, and nobody hears of it. */
export type FaultKind =
  | 'kill-before'
  | 'kill-after'
  | 'drop-before'
  | 'drop-after'
  | 'delay'
  | 'hang'
  | 'truncate'
  | 'answer-500'
  | 'answer-503'
  | 'SIGINT'
  | 'SIGTERM'
  | 'meanwhile';

export interface Fault {
  readonly kind: FaultKind;
  /** Which call from now on, the first is 1. */
  readonly at: number;
  /** What `meanwhile` begins before the call is passed on. */
  readonly act?: () => Promise<void>;
  /** Makes it good before the command is given again. */
  readonly mend?: () => Promise<void>;
}

const DELAY_MS = 2000;

/** Between hostctl and the engine, and at one call in the way. */
export class FaultProxy extends CallCounter {
  /** The process that is killed or signalled. */
  victim: number | undefined;
  /** The call the fault fell on, once it has. */
  struck: string | undefined;
  #fault: Fault | undefined;
  #acting: Promise<void> = Promise.resolve();

  static override async open(engine = SOCKET): Promise<FaultProxy> {
    return new FaultProxy(engine).listen();
  }

  /** Forgets what was called so far and waits for a call to spoil; for none without a fault. */
  arm(fault?: Fault): void {
    this.calls.length = 0;
    this.struck = undefined;
    this.#fault = fault;
  }

  /** Until what a fault began has ended. */
  settled(): Promise<void> {
    return this.#acting;
  }

  protected override pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const fault = this.#fault;
    if (!fault || this.calls.length !== fault.at) return super.pass(incoming, outgoing);
    this.struck = this.calls.at(-1)!;
    if (fault.act) this.#acting = fault.act();
    this.#strike(fault.kind, incoming, outgoing);
  }

  #strike(kind: FaultKind, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const lose = (): void => void outgoing.destroy();
    switch (kind) {
      case 'kill-before':
        this.#signal('SIGKILL');
        return lose();
      case 'drop-before':
        return lose();
      case 'kill-after':
      case 'drop-after':
        return this.ask(incoming, outgoing, (answer) => {
          answer.resume();
          answer.on('end', () => {
            if (kind === 'kill-after') this.#signal('SIGKILL');
            lose();
          });
        });
      case 'truncate':
        return this.ask(incoming, outgoing, (answer) => void truncate(answer, outgoing));
      case 'delay':
        return void setTimeout(() => super.pass(incoming, outgoing), DELAY_MS);
      case 'hang':
        // Neither passed on nor refused; the connection ends with the caller.
        incoming.resume();
        return;
      case 'answer-500':
      case 'answer-503':
        incoming.resume();
        outgoing.writeHead(Number(kind.slice(-3)), { 'Content-Type': 'application/json' });
        return void outgoing.end(`${JSON.stringify({ message: 'the test says no' })}\n`);
      case 'meanwhile':
        return super.pass(incoming, outgoing);
      default:
        this.#signal(kind);
        return super.pass(incoming, outgoing);
    }
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.victim !== undefined) process.kill(this.victim, signal);
  }
}

/** Announces the whole answer and breaks off after half of it. */
async function truncate(answer: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  outgoing.write(body.subarray(0, body.length / 2), () => outgoing.destroy());
  if (body.length < 2) outgoing.destroy();
}
