import { HostctlCommand } from '../command.ts';
import { count, DefinitionError } from '../errors.ts';

export default class Validate extends HostctlCommand<typeof Validate> {
  static override summary = 'Report every problem of every definition.';
  static override description = 'Reads hostctl.yaml and projects/*.yaml, offline. Exit code 2 when something is wrong.';
  static override examples = ['<%= config.bin %> validate', '<%= config.bin %> validate --json'];

  protected async work(): Promise<void> {
    const context = await this.context();
    const { loadProjects } = await import('../ops/load.ts');
    const { projects, problems } = await loadProjects(context.files, context.workspace, context.templates.runtimes);
    if (problems.length > 0) throw new DefinitionError(problems);
    const names = projects.map((project) => project.name);
    this.result({ valid: true, projects: names }, `${count(names.length, 'project')}, no problems\n`);
  }
}
