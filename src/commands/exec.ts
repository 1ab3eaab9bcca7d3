import { HostctlCommand, targetArg } from '../command.ts';
import { EXIT, HostctlError } from '../errors.ts';

export default class Exec extends HostctlCommand<typeof Exec> {
  static override summary = 'Run a program inside a running app, as its user.';
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
    const tty = process.stdin.isTTY && process.stdout.isTTY && !this.json;
    process.exitCode = await makeTerminal(context, process.env).attach(container, command, { tty });
  }
}
