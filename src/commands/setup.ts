import { Flags } from '@oclif/core';
import { HostctlCommand } from '../command.ts';

export default class Setup extends HostctlCommand<typeof Setup> {
  static override summary = 'Prepare this machine: Docker Engine, base images, data root, proxy. Safe to repeat.';
  static override examples = ['<%= config.bin %> setup', '<%= config.bin %> setup --yes'];
  static override flags = {
    yes: Flags.boolean({ char: 'y', description: 'Install what is missing without asking.' }),
  };

  protected async work(): Promise<void> {
    const context = await this.context(true);
    const { setup } = await import('../ops/setup.ts');
    const changed = await setup(context, { yes: this.flags.yes });
    const { http } = context.workspace.proxy;
    const text =
      changed.length === 0 ? 'Everything is in place already.\n' : `Ready: the proxy answers on port ${http}.\n`;
    this.result({ changed }, text);
  }
}
