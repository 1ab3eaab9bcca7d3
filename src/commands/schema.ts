import { Args } from '@oclif/core';
import { HostctlCommand } from '../command.ts';

export default class Schema extends HostctlCommand<typeof Schema> {
  static override summary = 'Print the JSON Schema of definitions, for editors.';
  static override examples = ['<%= config.bin %> schema > project.schema.json', '<%= config.bin %> schema workspace'];
  static override args = {
    which: Args.string({
      options: ['project', 'workspace'],
      default: 'project',
      description: 'projects/*.yaml or hostctl.yaml',
      ignoreStdin: true,
    }),
  };

  protected async work(): Promise<void> {
    const [{ jsonSchema }, { loadTemplates }] = await Promise.all([
      import('../core/json-schema.ts'),
      import('../local/templates.ts'),
    ]);
    const { runtimes } = await loadTemplates(`${this.config.root}/templates`);
    const schema = jsonSchema(
      this.args.which as 'project' | 'workspace',
      runtimes.map((runtime) => runtime.name),
    );
    process.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`);
  }
}
