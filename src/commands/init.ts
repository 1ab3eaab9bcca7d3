import { Args, Flags } from '@oclif/core';
import { HostctlCommand } from '../command.ts';

export default class Init extends HostctlCommand<typeof Init> {
  static override summary = 'Write a first definition for a source directory.';
  static override description =
    'Recognises what the source is made with. Writes hostctl.yaml too where there is none, and overwrites nothing.';
  static override examples = ['<%= config.bin %> init ../projectname --hostname www.projectname.org'];
  static override args = {
    source: Args.string({ default: '.', description: 'Directory of the source.', ignoreStdin: true }),
  };
  static override flags = {
    name: Flags.string({ description: "The project's name. Default: the directory's." }),
    hostname: Flags.string({ description: 'Default: NAME.localhost.' }),
    runtime: Flags.string({ description: 'Instead of recognising it.' }),
  };

  protected async work(): Promise<void> {
    const [{ init }, { findWorkspace }, { loadTemplates }, { LocalFiles }] = await Promise.all([
      import('../ops/init.ts'),
      import('../ops/load.ts'),
      import('../local/templates.ts'),
      import('../local/files.ts'),
    ]);
    const templates = await loadTemplates(`${this.config.root}/templates`);
    const files = new LocalFiles();
    const { name, hostname, runtime, workspace } = this.flags;
    // In a workspace that exists, or in one that begins here.
    const dir = workspace ?? (await findWorkspace(files, process.cwd()).catch(() => process.cwd()));
    const options = {
      dir,
      source: this.args.source,
      ...(name === undefined ? {} : { name }),
      ...(hostname === undefined ? {} : { hostname }),
      ...(runtime === undefined ? {} : { runtime }),
    };
    const result = await init(options, files, templates);
    const made = result.runtime === undefined ? 'its own Dockerfile' : `the ${result.runtime} runtime`;
    const text = `${result.written.map((path) => `wrote ${path}\n`).join('')}${result.project} uses ${made}; next: hostctl deploy ${result.project}\n`;
    this.result({ ...result }, text);
  }
}
