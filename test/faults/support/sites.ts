import { LABEL } from '../../../src/core/names.ts';
import { ask } from '../../e2e/support/http.ts';
import type { Lab } from '../../e2e/support/lab.ts';

/** Small sites of a lab, each a page of text and a file beside it, and what must be true of them. */
export class Sites {
  readonly #lab: Lab;
  readonly #env: NodeJS.ProcessEnv;
  readonly names: readonly string[];

  /** @param endpoint of the engine as hostctl is to see it: all its locks hang on that */
  constructor(lab: Lab, endpoint: string, names: readonly string[]) {
    this.#lab = lab;
    this.#env = { DOCKER_HOST: endpoint };
    // Containers are called after them, and the engine is everybody's.
    this.names = names.map((name) => `${name}${lab.instance}`);
    for (const name of this.names) {
      this.write(name, 'version 0');
      lab.write(`${name}-files/a.txt`, 'A');
      this.define(name, '');
    }
  }

  /** @param more of the app */
  define(name: string, more: string): void {
    const app = `{ runtime: static, source: ../${name}${more === '' ? '' : `, ${more}`} }`;
    this.#lab.define(
      name,
      `hostnames: [${name}.org]\napps:\n  web: ${app}\nmedia:\n  /files: { from: ../${name}-files }\n`,
    );
  }

  write(name: string, text: string): void {
    this.#lab.write(`${name}/index.html`, text);
  }

  ok(command: string): Promise<string> {
    return this.#lab.ok(command, this.#env);
  }

  run(command: string): ReturnType<Lab['hostctl']> {
    return this.#lab.hostctl(command, this.#env);
  }

  /** One running copy, and it serves this text. */
  async serves(name: string, text: string): Promise<string[]> {
    const wrong: string[] = [];
    const running = await this.#lab.running(name);
    if (running.length !== 1) wrong.push(`${running.length} containers of ${name} run`);
    for (const [path, wanted] of [
      ['/', text],
      ['/files/a.txt', 'A'],
    ] as const) {
      const { status, body } = await ask(this.#lab, `${name}.org`, path);
      if (body !== wanted) wrong.push(`${name} answers ${path} with ${status} ${body.slice(0, 60)}, not ${wanted}`);
    }
    return wrong;
  }

  /** Nothing is left to do. */
  async planned(which: string): Promise<string[]> {
    const { code, out, err } = await this.run(`plan ${which} --detailed-exitcode`);
    return code === 0 ? [] : [`there is still something planned: ${out}${err}`];
  }

  /** What runs of projects, and the proxy: names and ids. */
  async identities(projects: readonly string[]): Promise<string> {
    const all = await this.#lab.engine.containers(this.#lab.instance);
    const theirs = all.filter(({ labels }) => [...projects, undefined].includes(labels[LABEL.project]));
    return theirs
      .map((item) => `${item.name} ${item.id} ${item.state}`)
      .toSorted()
      .join('\n');
  }
}
