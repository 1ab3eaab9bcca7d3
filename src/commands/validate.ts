import { resolve } from 'node:path';
import { HostctlCommand } from '../command.ts';
import { count } from '../errors.ts';

export default class Validate extends HostctlCommand<typeof Validate> {
  static override summary = 'Report every problem of every definition.';
  static override description = 'Reads hostctl.yaml and projects/*.yaml, offline. Exit code 2 when something is wrong.';
  static override examples = ['<%= config.bin %> validate', '<%= config.bin %> validate --json'];

  protected async work(): Promise<void> {
    const [{ findWorkspace, validate }, { loadTemplates }, { LocalFiles }] = await Promise.all([
      import('../ops/load.ts'),
      import('../local/templates.ts'),
      import('../local/files.ts'),
    ]);
    const files = new LocalFiles();
    const { runtimes } = await loadTemplates(`${this.config.root}/templates`);
    const { workspace } = this.flags;
    const dir = workspace === undefined ? await findWorkspace(files, process.cwd()) : resolve(workspace);
    const projects = await validate(files, dir, runtimes);
    this.result({ valid: true, projects }, `${count(projects.length, 'project')}, no problems\n`);
  }
}
