import { join, resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { HostctlCommand } from '../../command.ts';
import { EXIT, HostctlError } from '../../errors.ts';

export default class ImportApache extends HostctlCommand<typeof ImportApache> {
  static override summary = "Turn Apache's virtual hosts into definitions.";
  static override description = `Reads configuration files, runs nothing in them, and says of every directive what became of it. While any is left to decide or
unsupported, nothing is written and the exit code is 2; --force writes all the same, with a list of them at the top.`;
  static override examples = [
    '<%= config.bin %> import apache /etc/apache2/sites-available/projectname.conf',
    '<%= config.bin %> import apache --root /etc/apache2 /etc/apache2/apache2.conf --print',
    '<%= config.bin %> import apache site.conf --source /home/user/projectname=../projectname --force',
  ];
  static override strict = false;
  static override args = {
    file: Args.string({
      description: 'Configuration files, in the order Apache reads them.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    out: Flags.string({
      helpValue: 'DIR',
      description: "Where the definitions go. Default: the workspace's projects/.",
    }),
    root: Flags.string({
      helpValue: 'DIR',
      description: "Directory that Include may read from. Default: the first file's.",
    }),
    define: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAME=VALUE',
      description: 'A value for ${NAME}, %(NAME)s or {{ NAME }}.',
    }),
    source: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'FROM=DIR',
      description: 'What the files call FROM, a path or the URL of a ProxyPass, is DIR here.',
    }),
    hostname: Flags.string({ description: 'For a virtual host that has no ServerName.' }),
    force: Flags.boolean({ description: 'Write although something is open, and over definitions that are there.' }),
    print: Flags.boolean({ description: 'Print the definitions instead of writing them.' }),
  };

  protected async work(): Promise<void> {
    const [
      { importApache, readPairs, readSources },
      { findWorkspace },
      { LocalFiles },
      { formatReport, countEntries, openEntries },
    ] = await Promise.all([
      import('../../ops/import.ts'),
      import('../../ops/load.ts'),
      import('../../local/files.ts'),
      import('../../importers/report.ts'),
    ]);
    const files = new LocalFiles();
    const { out, root, define = [], source = [], hostname, force, print, workspace } = this.flags;
    const cwd = process.cwd();
    const dir = workspace === undefined ? await findWorkspace(files, cwd).catch(beginHere) : resolve(workspace);
    const result = await importApache(
      {
        files: this.names.map((name) => resolve(name)),
        out: out === undefined ? join(dir, 'projects') : resolve(out),
        define: new Map(readPairs('define', define)),
        sources: readSources(source, cwd),
        force,
        print,
        ...(root === undefined ? {} : { root: resolve(root) }),
        ...(hostname === undefined ? {} : { hostname }),
      },
      files,
    );
    const open = openEntries(result.report.entries).length;
    const shown = print ? result.files.map(({ path, text }) => `# ---- ${path}\n${text}\n`).join('') : '';
    const end = print ? '' : summary(result.written, open);
    const { entries, notes } = result.report;
    this.result(
      { definitions: result.files, written: result.written, counts: countEntries(entries), entries, notes },
      `${shown}${formatReport(result.report, 'directive')}${end}`,
    );
    if (open > 0 && !force) process.exitCode = EXIT.definition;
  }
}

function summary(written: readonly string[], open: number): string {
  if (written.length > 0) return `${written.map((path) => `wrote ${path}`).join('\n')}\n`;
  return `nothing was written: ${open} left to you; --force writes all the same\n`;
}

function beginHere(error: unknown): string {
  if (error instanceof HostctlError && error.code === 'NO_WORKSPACE') return process.cwd();
  throw error;
}
