import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { HostctlCommand } from '../command.ts';
import { HostctlError } from '../errors.ts';

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
    const [{ init }, { findWorkspace }, { loadTemplates }, { LocalFiles }, { formatInit }] = await Promise.all([
      import('../ops/init.ts'),
      import('../ops/load.ts'),
      import('../local/templates.ts'),
      import('../local/files.ts'),
      import('../ui/init.ts'),
    ]);
    const templates = await loadTemplates(`${this.config.root}/templates`);
    const files = new LocalFiles();
    const { name, hostname, runtime, workspace } = this.flags;
    // In a workspace that exists, or in one that begins here.
    const dir =
      workspace === undefined ? await findWorkspace(files, process.cwd()).catch(beginHere) : resolve(workspace);
    const options = {
      dir,
      source: this.args.source,
      ...(name === undefined ? {} : { name }),
      ...(hostname === undefined ? {} : { hostname }),
      ...(runtime === undefined ? {} : { runtime }),
    };
    const result = await init(options, files, templates);
    this.result({ ...result }, formatInit(result));
  }
}

function beginHere(error: unknown): string {
  if (error instanceof HostctlError && error.code === 'NO_WORKSPACE') return process.cwd();
  throw error;
}
