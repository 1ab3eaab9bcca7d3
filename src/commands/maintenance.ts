import { Args, Flags } from '@oclif/core';
import { HostctlCommand } from '../command.ts';

export default class Maintenance extends HostctlCommand<typeof Maintenance> {
  static override summary = 'Close a site to visitors, or open it again.';
  static override description = `A closed site answers 503 with the page of \`http.maintenance\`, its media too, while its apps go on running. It stays
closed through deploys and restarts. The link that is printed lets one browser in for a day.`;
  static override examples = [
    '<%= config.bin %> maintenance on projectname',
    '<%= config.bin %> maintenance on projectname --bypass 203.0.113.7',
    '<%= config.bin %> maintenance off projectname',
  ];
  static override args = {
    state: Args.string({ options: ['on', 'off'], description: 'Closed or open.', required: true, ignoreStdin: true }),
    name: Args.string({ description: 'The project.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    bypass: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'ADDRESS',
      description: 'A client address or network that sees the site all the same; several times for several.',
    }),
  };

  protected async work(): Promise<void> {
    const { state, name } = this.args;
    const context = await this.context();
    const [{ close, open }, { formatClosed }] = await Promise.all([
      import('../ops/maintenance.ts'),
      import('../ui/status.ts'),
    ]);
    if (state === 'on') {
      const closed = await close(name, this.flags.bypass ?? [], context);
      this.result({ maintenance: closed }, formatClosed(closed, this.paint()));
    } else {
      const changed = await open(name, context);
      this.result({ project: name, changed }, `${name} is open${changed ? ' again' : ', as it was'}\n`);
    }
  }
}
