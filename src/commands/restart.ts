import { HostctlCommand, targetArg, waitFlag } from '../command.ts';

export default class Restart extends HostctlCommand<typeof Restart> {
  static override summary = 'Stop and start a project or one of its apps, one container after the other.';
  static override description = `Replicas stand in for each other, so that visitors notice nothing; an app with one container is away until it is ready
again.`;
  static override examples = ['<%= config.bin %> restart projectname', '<%= config.bin %> restart projectname/worker'];
  static override args = targetArg;
  static override flags = waitFlag;

  protected async work(): Promise<void> {
    const context = await this.context();
    const [{ restart }, { readTarget }] = await Promise.all([
      import('../ops/lifecycle.ts'),
      import('../ops/containers.ts'),
    ]);
    const { project, app } = readTarget(this.args.name);
    const containers = await restart(project, app, context, this.duration(this.flags.wait));
    this.result({ project, containers }, containers.map((name) => `restarted ${name}\n`).join(''));
  }
}
