import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Chalk, type ChalkInstance } from 'chalk';
import type { createLogUpdate } from 'log-update';
import { subjectOf, type Step } from '../core/steps.ts';
import { formatDuration } from '../core/units.ts';
import { HostctlError } from '../errors.ts';
import type { Event, Ui } from '../ports.ts';
import { mustSay } from './json.ts';

type LiveLines = ReturnType<typeof createLogUpdate>;

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 80;

export interface TerminalOptions {
  /** Progress and questions go here; results do not. */
  readonly err: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly color: boolean;
  /** Shows what builds print. */
  readonly verbose: boolean;
  /** Ctrl-C at a question, which the terminal does not turn into a signal then. */
  readonly interrupt: () => void;
  /** Rewrites the last lines of a terminal; absent elsewhere. */
  readonly live?: LiveLines;
}

interface Row {
  readonly step: Step;
  readonly project: string;
  readonly since: number;
  line: string;
}

/** For people: live rows on a terminal, one plain line per finished step elsewhere. */
export class TerminalUi implements Ui {
  readonly #options: TerminalOptions;
  readonly #paint: ChalkInstance;
  readonly #rows = new Map<Step, Row>();
  readonly #live: LiveLines | undefined;
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#paint = new Chalk({ level: options.color ? 1 : 0 });
    this.#live = options.live;
  }

  event(event: Event): void {
    if (event.type === 'step') this.#step(event);
    else if (event.type === 'output') this.#output(event.project, event.line);
    else {
      const mark = event.type === 'warning' ? this.#paint.yellow('!') : this.#paint.dim('·');
      this.#print(`${mark} ${event.project === undefined ? '' : `${event.project}: `}${event.text}`);
    }
  }

  async confirm(question: string, flag: string): Promise<boolean> {
    const answer = await this.#question(`${question} [y/N] `, flag);
    return /^y(es)?$/i.test(answer.trim());
  }

  async ask(question: string, flag: string): Promise<string> {
    return (await this.#question(`${question} `, flag)).trim();
  }

  async askHidden(question: string, instead: string): Promise<string> {
    // What is typed is echoed by the reader of lines, and that writes here.
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
    const answer = await this.#question(`${question} `, instead, nowhere);
    this.#options.err.write('\n');
    return answer;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#rows.clear();
    this.#live?.clear();
    this.#live?.done();
  }

  /** @param echo where the answer is shown while it is typed; default: beside the question */
  async #question(question: string, flag: string, echo?: Writable): Promise<string> {
    if (!this.#options.input.isTTY || !this.#options.err.isTTY) throw mustSay(question.trim(), flag);
    this.close();
    const { input, err, interrupt } = this.#options;
    const lines = createInterface({ input, output: echo ?? err, terminal: true });
    // Only now: the terminal itself shows what is typed until the reader of lines has taken it over.
    if (echo) err.write(question);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        err.write('\n');
        reject(new HostctlError('CANCELLED', 'no answer was given'));
      };
      lines.once('close', end);
      lines.once('SIGINT', () => {
        lines.off('close', end).close();
        interrupt();
      });
      lines.question(echo ? '' : question, (answer) => {
        lines.off('close', end).close();
        resolve(answer);
      });
    });
  }

  #step(event: Extract<Event, { type: 'step' }>): void {
    if (event.status === 'started') {
      this.#rows.set(event.step, { step: event.step, project: event.project, since: performance.now(), line: '' });
      this.#draw();
      return;
    }
    this.#rows.delete(event.step);
    const mark = event.status === 'done' ? this.#paint.green('✓') : this.#paint.red('✗');
    const took = this.#paint.dim(formatDuration(event.ms ?? 0));
    this.#print(`${mark} ${this.#title(event.project, event.step)} ${this.#paint.dim(`(${event.step.why})`)} ${took}`);
    this.#draw();
  }

  #output(project: string, line: string): void {
    if (this.#options.verbose) return this.#print(this.#paint.dim(`  ${line}`));
    for (const row of this.#rows.values()) if (row.project === project) row.line = line;
  }

  #title(project: string, step: Step): string {
    return `${this.#paint.bold(project)} ${step.do} ${subjectOf(step)}`;
  }

  /** A line that stays, above the live rows. */
  #print(line: string): void {
    this.#live?.clear();
    this.#options.err.write(`${line}\n`);
    this.#draw();
  }

  #draw(): void {
    if (!this.#live) return;
    if (this.#rows.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#live.clear();
      return;
    }
    this.#timer ??= setInterval(() => {
      this.#frame += 1;
      this.#draw();
    }, FRAME_MS).unref();
    // A terminal that does not know its size says 0.
    const width = this.#options.err.columns || 80;
    const lines = [...this.#rows.values()].map((row) => {
      const seconds = formatDuration(Math.floor((performance.now() - row.since) / 1000) * 1000);
      const text = `${FRAMES[this.#frame % FRAMES.length]} ${row.project} ${row.step.do} ${subjectOf(row.step)} ${seconds}`;
      const more = row.line === '' ? '' : `  ${row.line}`;
      return `${text.slice(0, width - 1)}${this.#paint.dim(more.slice(0, Math.max(0, width - text.length - 2)))}`;
    });
    this.#live(lines.join('\n'));
  }
}
