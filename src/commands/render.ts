import { Args } from '@oclif/core';
import { HostctlCommand } from '../command.ts';
import { RENDERED } from '../core/model.ts';

export default class Render extends HostctlCommand<typeof Render> {
  static override summary = 'Print the proxy configuration that would be written.';
  static override description = `For a Traefik of your own that reads labels there are \`labels\` and \`swarm-labels\`. Nothing is changed.`;
  static override examples = [
    '<%= config.bin %> render',
    '<%= config.bin %> render traefik projectname',
    '<%= config.bin %> render labels projectname',
  ];
  static override args = {
    driver: Args.string({
      options: [...RENDERED],
      description: 'Default: the driver of the workspace.',
      ignoreStdin: true,
    }),
    name: Args.string({ description: 'Only this project.', ignoreStdin: true }),
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const { render } = await import('../ops/render.ts');
    const form = RENDERED.find((name) => name === this.args.driver) ?? context.workspace.proxy.driver;
    const files = await render(form, this.args.name === undefined ? [] : [this.args.name], context);
    const single = files.length === 1;
    const text = files.map((file) => (single ? file.text : `# ---- ${file.path}\n${file.text}`)).join('\n');
    this.result({ driver: form, files }, text);
  }
}
