import { Flags } from '@oclif/core';
import { HostctlCommand, targetArg } from '../command.ts';
import { JSON_VERSION } from '../core/results.ts';

export default class Logs extends HostctlCommand<typeof Logs> {
  static override summary = 'Print what the apps of a project wrote.';
  static override examples = [
    '<%= config.bin %> logs projectname',
    '<%= config.bin %> logs projectname/worker --follow --tail 50',
  ];
  static override args = targetArg;
  static override flags = {
    follow: Flags.boolean({
      char: 'f',
      description: 'Go on printing as it is written, with the new copy after a deploy.',
    }),
    tail: Flags.integer({
      char: 'n',
      helpValue: 'LINES',
      description: 'Only the last lines of each container.',
      min: 0,
      default: 100,
    }),
    since: Flags.string({ helpValue: 'TIME', description: 'Only what is younger, such as 10m.' }),
    timestamps: Flags.boolean({ char: 't', description: 'Put the time before each line.' }),
    container: Flags.string({
      helpValue: 'NAME',
      description: 'A container that is not live, for instance of a failed deploy.',
    }),
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const [{ logs }, { readTarget }] = await Promise.all([import('../ops/logs.ts'), import('../ops/containers.ts')]);
    const { follow, tail, timestamps, container, since } = this.flags;
    const target = readTarget(this.args.name);
    const options = {
      follow,
      tail,
      timestamps,
      ...(since === undefined ? {} : { since: (context.clock.now() - this.duration(since)) / 1000 }),
    };
    const paint = this.paint();
    for await (const line of logs(target, container, options, context)) {
      if (this.json) process.stdout.write(`${JSON.stringify({ version: JSON_VERSION, ...line })}\n`);
      else process.stdout.write(`${line.several ? `${paint.dim(line.container)} ` : ''}${line.text}\n`);
    }
  }
}
