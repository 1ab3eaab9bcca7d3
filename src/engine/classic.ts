import { uncoloured } from './streams.ts';

/** Reads what the classic builder prints: `Step 2/7 : RUN …`, what that prints, and its own accounts in between. */
export class ClassicTrace {
  #part = '';

  /** The whole lines a person wants to see of one message; what has no end yet comes with the next. */
  lines(text: string): string[] {
    const lines = `${this.#part}${uncoloured(text)}`.split('\n');
    this.#part = lines.pop()!;
    return lines.filter((line) => line.trim() !== '' && !ACCOUNTS.test(line)).map(step);
  }
}

/** Names of containers and layers, which nobody asks for. */
const ACCOUNTS = /^( ---> |Removing intermediate container |Successfully (built|tagged) )/;

/** `Step 2/7 : RUN npm ci` → `[2/7] RUN npm ci`, as BuildKit writes it. */
function step(line: string): string {
  return line.replace(/^Step (\d+\/\d+) : /, '[$1] ');
}
