import { readdirSync, readFileSync } from 'node:fs';
import type { Search } from './canary.ts';

/** How often a process is looked at: a fork becomes another program a little later. */
const LOOKS = 20;

/** Arguments and environment of everything that runs on this machine, looked at again and again. */
export class ProcessList {
  samples = 0;
  /** Of all processes, by pid. */
  readonly programs = new Set<string>();
  readonly #looks = new Map<string, number>();
  /** Milliseconds from the first sample to the last. */
  ms = 0;
  readonly #search: Search;
  readonly #mayKnow: (cgroup: string) => boolean;
  readonly #before = new Set(pids());
  readonly #timer: NodeJS.Timeout;

  /** @param mayKnow whether a process of that cgroup may have a secret in its environment */
  constructor(search: Search, mayKnow: (cgroup: string) => boolean) {
    this.#search = search;
    this.#mayKnow = mayKnow;
    for (const pid of this.#before) this.#look(pid);
    const since = performance.now();
    this.#timer = setInterval(() => {
      this.#sample();
      this.ms = performance.now() - since;
    }, 5);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const pid of pids()) this.#look(pid);
  }

  #sample(): void {
    this.samples += 1;
    // What ran before cannot have been told anything since, and a process gets its words when it begins.
    const young = pids().filter((pid) => !this.#before.has(pid) && (this.#looks.get(pid) ?? 0) < LOOKS);
    for (const pid of young) this.#look(pid);
    // Where locks have their names.
    if (this.samples % LOOKS === 0) this.#search.look('/proc/net/unix', read('/proc/net/unix'));
  }

  #look(pid: string): void {
    const cgroup = read(`/proc/${pid}/cgroup`).toString();
    const words = read(`/proc/${pid}/cmdline`);
    if (words.length === 0) return;
    this.#looks.set(pid, (this.#looks.get(pid) ?? 0) + 1);
    this.programs.add(`${pid} ${words.toString().split('\0')[0]}`);
    this.#search.look(`arguments of ${pid}`, words);
    if (!this.#mayKnow(cgroup)) this.#search.look(`environment of ${pid}`, read(`/proc/${pid}/environ`));
  }
}

function pids(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}

/** Processes end at any time. */
function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
