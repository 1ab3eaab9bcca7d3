import { HostctlCommand, projectArgs } from '../command.ts';

export default class Status extends HostctlCommand<typeof Status> {
  static override summary = 'Show what runs: state, release, memory, cpu, restarts and hostnames of every app.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status projectname --json'];
  static override strict = false;
  static override args = projectArgs;

  protected async work(): Promise<void> {
    const context = await this.context();
    const [{ status }, { formatStatus }] = await Promise.all([import('../ops/status.ts'), import('../ui/status.ts')]);
    const result = await status(this.names, context);
    this.result({ ...result }, formatStatus(result, this.paint()));
  }
}
