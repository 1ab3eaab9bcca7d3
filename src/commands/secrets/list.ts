import { Args } from '@oclif/core';
import { HostctlCommand } from '../../command.ts';

export default class SecretsList extends HostctlCommand<typeof SecretsList> {
  static override summary = 'List secrets: who set them, who uses them, which are missing. Never their values.';
  static override examples = ['<%= config.bin %> secrets list', '<%= config.bin %> secrets list projectname'];
  static override args = {
    project: Args.string({ description: 'One project; default: all.', ignoreStdin: true }),
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const [{ listSecrets }, { formatSecrets }] = await Promise.all([
      import('../../ops/secrets.ts'),
      import('../../ui/secrets.ts'),
    ]);
    const secrets = await listSecrets(this.args.project, context);
    this.result({ secrets }, formatSecrets(secrets, this.paint()));
  }
}
