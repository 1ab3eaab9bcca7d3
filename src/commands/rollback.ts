import { Flags } from '@oclif/core';
import { HostctlCommand, projectArg, waitFlag } from '../command.ts';

export default class Rollback extends HostctlCommand<typeof Rollback> {
  static override summary = 'Bring back an earlier release, with its image and its settings.';
  static override description =
    'Does not undo what release commands did to a database. Data in volumes and uploads stays as it is.';
  static override examples = [
    '<%= config.bin %> rollback projectname',
    '<%= config.bin %> rollback projectname --to 12',
  ];
  static override args = projectArg;
  static override flags = {
    to: Flags.integer({ helpValue: 'RELEASE', description: 'Default: the one before the live one.' }),
    ...waitFlag,
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const [{ rollback }, { report }] = await Promise.all([import('../ops/rollback.ts'), import('../ui/outcomes.ts')]);
    const outcome = await rollback(this.args.name, this.flags.to, this.duration(this.flags.wait), context);
    await this.outcomes([outcome], report);
  }

  protected override events(line: string): void {
    process.stdout.write(line);
  }
}
