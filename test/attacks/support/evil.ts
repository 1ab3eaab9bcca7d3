import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../../e2e/support/http.ts';
import { type Lab, ROOT } from '../../e2e/support/lab.ts';

export interface Done {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** On a socket, where the driver has any. */
const RUNTIME = `runtime: wsgi
    source: ../servant
    wsgi: server:app
    health: { path: / }
    command: [python3, /app/server.py]`;

/** Defines a site whose app runs what it is sent: one that has been taken over, or the neighbour it goes for. */
export function defineServant(lab: Lab, name: string, kind: 'port' | 'socket'): void {
  cpSync(join(ROOT, 'test/fixtures/attacks'), join(lab.dir, 'servant'), { recursive: true });
  lab.define(
    name,
    `hostnames: [${name}.org]
apps:
  web:
    ${kind === 'port' ? 'dockerfile: ../servant\n    port: 8000' : RUNTIME}
    limits: { memory: 128M, cpus: 0.5, pids: 60 }
    volumes: { data: /data }
    env: { NAME: ${name} }
media:
  /uploads: { from: ../none, writable-by: web }
`,
  );
}

/** Runs a shell script inside the app, as the app. */
export async function inside(lab: Lab, host: string, script: string): Promise<Done> {
  const reply = await ask(lab, host, '/', { method: 'POST', headers: { 'X-Run': 'yes' }, body: script });
  if (reply.status !== 200) return { code: -1, out: '', err: `the app answered ${reply.status}` };
  return JSON.parse(reply.body) as Done;
}

export interface Attempt {
  readonly name: string;
  /** Of `attempts.py`, with its arguments. */
  readonly words: readonly string[];
  /** Why it is known to get through; absent for what must be held. */
  readonly known?: string;
}

export interface Tried extends Attempt {
  readonly through: boolean;
  /** What the attempt said of itself. */
  readonly evidence: string;
}

/** Makes all attempts, some at a time. */
export async function tryAll(lab: Lab, host: string, attempts: readonly Attempt[]): Promise<Tried[]> {
  const results: Tried[] = [];
  const queue = [...attempts];
  const worker = async (): Promise<void> => {
    for (let attempt = queue.shift(); attempt; attempt = queue.shift()) {
      const words = attempt.words.map((word) => `'${word}'`).join(' ');
      const { code, out, err } = await inside(lab, host, `timeout 20 python3 /app/attempts.py ${words}`);
      // Held is what says so; whatever broke on the way shows nothing.
      if (code !== 0 && code !== 1) throw new Error(`${attempt.name} ended with ${code}: ${out}${err}`);
      results.push({ ...attempt, through: code === 0, evidence: out.trim() || err.trim() });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return attempts.map(({ name }) => results.find((item) => item.name === name)!);
}
