import { Flags } from '@oclif/core';
import { HostctlCommand, projectArgs } from '../command.ts';
import { EXIT } from '../errors.ts';

export default class Plan extends HostctlCommand<typeof Plan> {
  static override summary = 'Show what a deploy would do, and why. Changes nothing.';
  static override examples = ['<%= config.bin %> plan projectname', '<%= config.bin %> plan --all --detailed-exitcode'];
  static override strict = false;
  static override args = projectArgs;
  static override flags = {
    all: Flags.boolean({ description: 'Every project of the workspace.' }),
    'detailed-exitcode': Flags.boolean({ description: 'Exit with 3 when there is something to do.' }),
  };

  protected async work(): Promise<void> {
    const names = this.chosen();
    const context = await this.context();
    const [{ plan }, { formatPlan }, { planJson }] = await Promise.all([
      import('../ops/deploy.ts'),
      import('../core/steps.ts'),
      import('../ui/describe.ts'),
    ]);
    const result = await plan(names, context);
    this.noteEmpty(result.projects.length + result.broken.length, context);
    const document = planJson(result);
    this.result(document, formatPlan(result));
    if (result.overcommitted !== undefined) context.ui.event({ type: 'warning', text: result.overcommitted });
    for (const { error } of result.broken) {
      if (!this.json) process.stderr.write(await this.words(error));
      process.exitCode = error.exit;
    }
    if (this.flags['detailed-exitcode'] && document['changes'] === true) process.exitCode ??= EXIT.changes;
  }
}
