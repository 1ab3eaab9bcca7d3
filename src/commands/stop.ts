import { HostctlCommand, targetArg, waitFlag } from '../command.ts';

export default class Stop extends HostctlCommand<typeof Stop> {
  static override summary = 'Stop a project or one of its apps, until it is started again.';
  static override description = 'Stays down through a restart of the machine. Its media goes on being served.';
  static override examples = ['<%= config.bin %> stop projectname', '<%= config.bin %> stop projectname/worker'];
  static override args = targetArg;
  static override flags = waitFlag;

  protected async work(): Promise<void> {
    const context = await this.context();
    const [{ stop }, { readTarget }] = await Promise.all([
      import('../ops/lifecycle.ts'),
      import('../ops/containers.ts'),
    ]);
    const { project, app } = readTarget(this.args.name);
    const containers = await stop(project, app, context, this.duration(this.flags.wait));
    this.result({ project, containers }, containers.map((name) => `stopped ${name}\n`).join(''));
  }
}
