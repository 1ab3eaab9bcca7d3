import { Writable } from 'node:stream';
import { HostctlCommand, targetArg } from '../command.ts';
import { EXIT, HostctlError } from '../errors.ts';

export default class Exec extends HostctlCommand<typeof Exec> {
  static override summary = 'Run a program inside a running app, as its user.';
  static override description =
    'Its input is yours, and so is its exit code. With --json, what it wrote is printed when it has ended.';
  static override usage = 'exec NAME -- COMMAND...';
  static override examples = [
    '<%= config.bin %> exec projectname -- python manage.py shell',
    '<%= config.bin %> exec projectname/db -- psql -U postgres',
  ];
  static override strict = false;
  static override args = targetArg;

  protected async work(): Promise<void> {
    const [name, ...command] = this.names;
    if (command.length === 0) {
      throw new HostctlError('USAGE', 'name the program to run after two hyphens', {
        exit: EXIT.definition,
        hints: [`hostctl exec ${name} -- sh`],
      });
    }
    const context = await this.context();
    const [{ runningContainer }, { makeTerminal }] = await Promise.all([
      import('../ops/logs.ts'),
      import('../context.ts'),
    ]);
    const container = await runningContainer(name!, context);
    if (this.json) {
      const [output, error] = [new Collected(), new Collected()];
      const terminal = makeTerminal(context, process.env, { output, error });
      const code = await terminal.attach(container, command, { tty: false });
      this.result({ container, code, stdout: output.text, stderr: error.text }, '');
      process.exitCode = code;
      return;
    }
    const tty = process.stdin.isTTY && process.stdout.isTTY;
    process.exitCode = await makeTerminal(context, process.env).attach(container, command, { tty });
  }
}

/** Keeps what is written to it. */
class Collected extends Writable {
  readonly #chunks: Buffer[] = [];

  get text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }
}
