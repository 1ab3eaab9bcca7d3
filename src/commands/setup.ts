import { Flags } from '@oclif/core';
import { HostctlCommand } from '../command.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';

export default class Setup extends HostctlCommand<typeof Setup> {
  static override summary = 'Prepare this machine: Docker Engine, base images, data root, proxy. Safe to repeat.';
  static override examples = ['<%= config.bin %> setup', '<%= config.bin %> setup --yes'];
  static override flags = {
    yes: Flags.boolean({ char: 'y', description: 'Do not ask, neither to install nor to take away.' }),
    undo: Flags.boolean({
      description: 'Take away the proxy, its networks and the data root again. Images and Docker stay.',
    }),
  };

  protected async work(): Promise<void> {
    const context = await this.context(true);
    if (this.flags.undo) return this.undo(context);
    const { setup } = await import('../ops/setup.ts');
    const changed = await setup(context, { yes: this.flags.yes });
    const { http } = context.workspace.proxy;
    const text =
      changed.length === 0 ? 'Everything is in place already.\n' : `Ready: the proxy answers on port ${http}.\n`;
    this.result({ changed }, text);
  }

  private async undo(context: Context): Promise<void> {
    const { undoSetup } = await import('../ops/undo.ts');
    const question = `Take away the proxy, its networks and ${context.workspace.data}?`;
    if (!this.flags.yes && !(await context.ui.confirm(question, '--yes'))) {
      throw new HostctlError('CANCELLED', 'nothing was taken away');
    }
    const removed = await undoSetup(context);
    this.result({ removed }, removed.map((name) => `removed ${name}\n`).join(''));
  }
}
