import { Args } from '@oclif/core';
import { HostctlCommand } from '../../command.ts';

export default class LockStatus extends HostctlCommand<typeof LockStatus> {
  static override summary = 'Show who holds a lock at this moment, and which deploys wait.';
  static override description =
    'A lock ends with the process that holds it, however that ends. The newest deploy that waits for a project gets it.';
  static override examples = ['<%= config.bin %> lock status', '<%= config.bin %> lock status projectname --json'];
  static override args = {
    name: Args.string({ description: 'A project; default: all, and what they share.', ignoreStdin: true }),
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const { formatLocks } = await import('../../ui/locks.ts');
    const all = await context.host.locks();
    const locks = all.filter(({ name }) => this.args.name === undefined || this.args.name === name);
    this.result({ locks }, formatLocks(locks, context.clock.now()));
  }
}
