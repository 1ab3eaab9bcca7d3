import { EXIT, HostctlError } from '../errors.ts';
import type { Event, Ui } from '../ports.ts';
import { eventJson } from './describe.ts';

/** For programs: events as JSON lines on the given stream, and no questions. */
export class JsonUi implements Ui {
  readonly #out: (line: string) => void;

  constructor(out: (line: string) => void) {
    this.#out = out;
  }

  event(event: Event): void {
    this.#out(`${JSON.stringify(eventJson(event))}\n`);
  }

  confirm(question: string, flag: string): Promise<boolean> {
    return Promise.reject(mustSay(question, flag));
  }

  ask(question: string, flag: string): Promise<string> {
    return Promise.reject(mustSay(question, flag));
  }

  askHidden(question: string, instead: string): Promise<string> {
    return Promise.reject(mustSay(question, instead));
  }

  close(): void {
    // Nothing is live.
  }
}

/** What a question becomes where nobody can be asked. */
export function mustSay(question: string, flag: string): HostctlError {
  return new HostctlError('NOT_ASKED', `${question} There is no terminal to ask on.`, {
    exit: EXIT.definition,
    hints: [flag.startsWith('-') ? `add ${flag}` : flag],
  });
}
