import { HostctlCommand, projectArgs } from '../command.ts';
import { count } from '../errors.ts';

export default class Validate extends HostctlCommand<typeof Validate> {
  static override summary = 'Report every problem of every definition.';
  static override description = `Reads hostctl.yaml and projects/*.yaml, offline. Exit code 2 when something is wrong. With names, the problems of the
others are left out.`;
  static override examples = [
    '<%= config.bin %> validate',
    '<%= config.bin %> validate projectname',
    '<%= config.bin %> validate --json',
  ];
  static override strict = false;
  static override args = projectArgs;

  protected async work(): Promise<void> {
    const [load, { chooseWorkspace }, { loadTemplates }, { LocalFiles }] = await Promise.all([
      import('../ops/load.ts'),
      import('../ops/workspace.ts'),
      import('../local/templates.ts'),
      import('../local/files.ts'),
    ]);
    const files = new LocalFiles();
    const templates = await loadTemplates(`${this.config.root}/templates`);
    const dir = await chooseWorkspace(files, this.flags.workspace, process.cwd());
    let projects: readonly string[];
    if (this.names.length === 0) projects = await load.validate(files, dir, templates);
    else {
      const workspace = await load.loadWorkspace(files, dir, templates.bases);
      const loaded = await load.loadProjects(files, workspace, templates.runtimes);
      projects = load.selectProjects(loaded, [...new Set(this.names)]).map((project) => project.name);
    }
    this.result({ valid: true, projects }, `${count(projects.length, 'project')}, no problems\n`);
  }
}
