import { HostctlCommand, projectArg } from '../command.ts';

export default class Releases extends HostctlCommand<typeof Releases> {
  static override summary = 'List the releases of a project that can be brought back.';
  static override examples = ['<%= config.bin %> releases projectname'];
  static override args = projectArg;

  protected async work(): Promise<void> {
    const context = await this.context();
    const [{ releases }, { formatReleases }] = await Promise.all([
      import('../ops/rollback.ts'),
      import('../ui/status.ts'),
    ]);
    const list = await releases(this.args.name, context);
    this.result({ project: this.args.name, releases: list }, formatReleases(list));
  }
}
