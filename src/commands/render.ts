import { Args } from '@oclif/core';
import { HostctlCommand } from '../command.ts';

export default class Render extends HostctlCommand<typeof Render> {
  static override summary = 'Print the proxy configuration that would be written.';
  static override examples = ['<%= config.bin %> render', '<%= config.bin %> render nginx projectname'];
  static override args = {
    driver: Args.string({
      options: ['nginx'],
      description: 'Default: the driver of the workspace.',
      ignoreStdin: true,
    }),
    name: Args.string({ description: 'Only this project.', ignoreStdin: true }),
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const { render } = await import('../ops/render.ts');
    const files = await render(this.args.name === undefined ? [] : [this.args.name], context);
    const single = files.length === 1;
    const text = files.map((file) => (single ? file.text : `# ---- ${file.path}\n${file.text}`)).join('\n');
    this.result({ driver: context.workspace.proxy.driver, files }, text);
  }
}
