import { Flags } from '@oclif/core';
import { HostctlCommand, projectArgs, waitFlag } from '../command.ts';

export default class Deploy extends HostctlCommand<typeof Deploy> {
  static override summary = 'Make projects what their definitions say.';
  static override description = `Builds what changed, starts it beside what runs, waits until it is ready, switches the proxy, lets the old copy
finish and stops it. Until the switch the old release serves; when something fails before, it goes on serving.`;
  static override examples = ['<%= config.bin %> deploy projectname', '<%= config.bin %> deploy --all --json'];
  static override strict = false;
  static override args = projectArgs;
  static override flags = {
    all: Flags.boolean({ description: 'Every project of the workspace.' }),
    ...waitFlag,
  };

  protected async work(): Promise<void> {
    const names = this.chosen();
    const context = await this.context();
    const [{ deploy }, { report }] = await Promise.all([import('../ops/deploy.ts'), import('../ui/outcomes.ts')]);
    const outcomes = await deploy(names, context, { wait: this.duration(this.flags.wait) });
    this.noteEmpty(outcomes.length, context);
    await this.outcomes(outcomes, report);
  }

  protected override events(line: string): void {
    process.stdout.write(line);
  }
}
