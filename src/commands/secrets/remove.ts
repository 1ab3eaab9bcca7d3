import { Args, Flags } from '@oclif/core';
import { HostctlCommand } from '../../command.ts';
import { HostctlError } from '../../errors.ts';

export default class SecretsRemove extends HostctlCommand<typeof SecretsRemove> {
  static override summary = 'Delete a secret, every version of it.';
  static override description = `Refused while the definition or the live release uses it. Earlier releases that used it cannot be brought back.`;
  static override examples = ['<%= config.bin %> secrets remove projectname DB_PASSWORD'];
  static override args = {
    project: Args.string({ description: 'The project.', required: true, ignoreStdin: true }),
    secret: Args.string({ description: 'The name of the secret.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    force: Flags.boolean({
      description: 'Delete it although it is used. Containers that run keep it until they are replaced.',
    }),
    yes: Flags.boolean({ char: 'y', description: 'Do not ask.' }),
  };

  protected async work(): Promise<void> {
    const { project, secret } = this.args;
    const { force } = this.flags;
    const context = await this.context();
    const { removeSecret, requireRemovable } = await import('../../ops/secrets.ts');
    await requireRemovable(project, secret, force, context);
    if (!this.flags.yes && !(await context.ui.confirm(`Delete the secret ${secret} of ${project}?`, '--yes'))) {
      throw new HostctlError('CANCELLED', 'nothing was deleted');
    }
    const { releases } = await removeSecret(project, secret, { force }, context);
    const lost = releases.length > 0 ? `; what cannot come back: release ${releases.join(', ')}` : '';
    this.result({ project, name: secret, removed: true, releases }, `deleted ${secret} of ${project}${lost}\n`);
  }
}
