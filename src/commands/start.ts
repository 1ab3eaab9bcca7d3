import { HostctlCommand, targetArg, waitFlag } from '../command.ts';

export default class Start extends HostctlCommand<typeof Start> {
  static override summary = 'Start what was stopped, and wait until it is ready.';
  static override examples = ['<%= config.bin %> start projectname', '<%= config.bin %> start projectname/worker'];
  static override args = targetArg;
  static override flags = waitFlag;

  protected async work(): Promise<void> {
    const context = await this.context();
    const [{ start }, { readTarget }] = await Promise.all([
      import('../ops/lifecycle.ts'),
      import('../ops/containers.ts'),
    ]);
    const { project, app } = readTarget(this.args.name);
    const containers = await start(project, app, context, this.duration(this.flags.wait));
    this.result({ project, containers }, containers.map((name) => `started ${name}\n`).join(''));
  }
}
