import { Flags } from '@oclif/core';
import { HostctlCommand } from '../command.ts';
import { HostctlError } from '../errors.ts';

export default class Prune extends HostctlCommand<typeof Prune> {
  static override summary = 'Remove what hostctl made and nothing needs any more. Never data.';
  static override description = `Containers of attempts that failed, images and copies of media no release on record is made from, networks nothing is on,
earlier configurations of the proxy. Only what carries the label of this instance. Volumes, uploads, certificates and
what other programs made stay.`;
  static override examples = ['<%= config.bin %> prune --dry-run', '<%= config.bin %> prune --yes'];
  static override flags = {
    'dry-run': Flags.boolean({ description: 'Only show what would go.' }),
    yes: Flags.boolean({ char: 'y', description: 'Do not ask.' }),
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const [{ findPrunable, prune }, { formatPrune }] = await Promise.all([
      import('../ops/prune.ts'),
      import('../ui/prune.ts'),
    ]);
    const found = await findPrunable(context);
    const dry = this.flags['dry-run'] || found.length === 0;
    if (dry) {
      this.result({ removed: false, items: found }, formatPrune(found, false));
      return;
    }
    if (!this.json) process.stderr.write(formatPrune(found, false));
    if (!this.flags.yes && !(await context.ui.confirm('Remove them?', '--yes')))
      throw new HostctlError('CANCELLED', 'nothing was removed');
    const gone = await prune(context);
    this.result({ removed: true, items: gone }, formatPrune(gone, true));
  }
}
