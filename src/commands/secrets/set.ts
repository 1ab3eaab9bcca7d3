import { Args } from '@oclif/core';
import { HostctlCommand } from '../../command.ts';
import { EXIT, HostctlError } from '../../errors.ts';

export default class SecretsSet extends HostctlCommand<typeof SecretsSet> {
  static override summary = 'Set a secret of a project; the next deploy uses it.';
  static override description = `The value comes from standard input, or is asked for on a terminal and not shown; never from the command line, which
every user of the machine can read. One newline at its end is dropped. At most 64 KiB, of any bytes.`;
  static override usage = 'secrets set PROJECT NAME';
  static override examples = [
    '<%= config.bin %> secrets set projectname DB_PASSWORD',
    '<%= config.bin %> secrets set projectname TLS_KEY < key.pem',
    'openssl rand -base64 32 | <%= config.bin %> secrets set projectname SECRET_KEY',
  ];
  /** More words than two are refused here, in words that do not repeat them. */
  static override strict = false;
  static override args = {
    project: Args.string({ description: 'The project.', required: true, ignoreStdin: true }),
    secret: Args.string({
      description: 'Letters, digits and _, such as DB_PASSWORD.',
      required: true,
      ignoreStdin: true,
    }),
  };

  protected async work(): Promise<void> {
    const { project, secret } = this.args;
    if (this.names.length > 2 || secret.includes('=')) {
      throw new HostctlError('SECRET_ARGUMENT', 'a value on the command line is seen by every user of this machine', {
        exit: EXIT.definition,
        hints: [
          `hostctl secrets set ${project} NAME asks for it, or reads it from standard input`,
          'what you typed may be in the history of your shell: use another value',
        ],
      });
    }
    const context = await this.context();
    const [{ requireSettable, setSecret }, { readAll }] = await Promise.all([
      import('../../ops/secrets.ts'),
      import('../../ui/input.ts'),
    ]);
    await requireSettable(project, secret, context);
    const instead = `write it to standard input: hostctl secrets set ${project} ${secret} < FILE`;
    const value = process.stdin.isTTY
      ? Buffer.from(await context.ui.askHidden(`Value of ${secret}, not shown while you type:`, instead))
      : await readAll(process.stdin);
    const { formatSet } = await import('../../ui/secrets.ts');
    const result = await setSecret(project, secret, value, context);
    this.result({ ...result }, formatSet(result));
  }
}
