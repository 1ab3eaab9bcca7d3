import { Args } from '@oclif/core';
import { HostctlCommand, projectArg } from '../../command.ts';

export default class ReleasesDiff extends HostctlCommand<typeof ReleasesDiff> {
  static override summary = 'Show what differs between two releases, and what a rollback would not bring back.';
  static override description = 'Values of environment variables and of settings are not shown, only that they differ.';
  static override examples = ['<%= config.bin %> releases diff projectname 3 4'];
  static override args = {
    ...projectArg,
    from: Args.integer({ description: 'A release.', required: true }),
    to: Args.integer({ description: 'Another one. Default: the live one.' }),
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const { name, from, to } = this.args;
    const [{ diffReleases }, { formatDiff }] = await Promise.all([
      import('../../ops/rollback.ts'),
      import('../../ui/releases.ts'),
    ]);
    const diff = await diffReleases(name, from, to, context);
    this.result({ diff }, formatDiff(diff, this.paint()));
  }
}
