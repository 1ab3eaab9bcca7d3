import { Flags } from '@oclif/core';
import { HostctlCommand, projectArg, waitFlag } from '../command.ts';
import { HostctlError } from '../errors.ts';

export default class Remove extends HostctlCommand<typeof Remove> {
  static override summary = 'Take a project off this host. Its volumes, uploads and secrets stay.';
  static override examples = [
    '<%= config.bin %> remove projectname',
    '<%= config.bin %> remove projectname --purge --confirm projectname',
  ];
  static override args = projectArg;
  static override flags = {
    purge: Flags.boolean({ description: 'Delete its volumes, uploads and secrets too. This cannot be undone.' }),
    confirm: Flags.string({ helpValue: 'NAME', description: "The project's name again, where nobody can be asked." }),
    yes: Flags.boolean({ char: 'y', description: 'Do not ask. With --purge, --confirm is needed.' }),
    ...waitFlag,
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const { name } = this.args;
    const [{ planRemove, remove }, { formatPlan }] = await Promise.all([
      import('../ops/remove.ts'),
      import('../core/steps.ts'),
    ]);
    const plan = await planRemove(name, this.flags.purge, context);
    if (!this.json) process.stderr.write(formatPlan(plan));
    await this.agree(name, context);
    await remove(name, this.flags.purge, context, this.duration(this.flags.wait));
    this.result({ project: name, removed: true, purged: this.flags.purge }, `removed ${name}\n`);
  }

  /** The name has to be typed: on the terminal, or as a flag. */
  private async agree(name: string, context: Awaited<ReturnType<HostctlCommand<never>['context']>>): Promise<void> {
    if (this.flags.yes && !this.flags.purge) return;
    const flag = this.flags.purge ? `--confirm ${name}` : '--yes';
    const typed = this.flags.confirm ?? (await context.ui.ask(`Type ${name} to remove it:`, flag));
    if (typed !== name) throw new HostctlError('CANCELLED', `${typed} is not ${name}: nothing was removed`);
  }
}
