import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { HostctlCommand } from '../../command.ts';

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
    const [{ importApache, readSources }, { definitionsDirectory, describeImport, readPairs }, { LocalFiles }] =
      await Promise.all([
        import('../../ops/import.ts'),
        import('../../ops/imported.ts'),
        import('../../local/files.ts'),
      ]);
    const files = new LocalFiles();
    const { out, root, define = [], source = [], hostname, force, print, workspace } = this.flags;
    const cwd = process.cwd();
    const options = {
      files: this.names.map((name) => resolve(name)),
      out: await definitionsDirectory({ out, workspace, cwd }, files),
      define: new Map(readPairs('define', define)),
      sources: readSources(source, cwd),
      force,
      print,
      ...(root === undefined ? {} : { root: resolve(root) }),
      ...(hostname === undefined ? {} : { hostname }),
    };
    const { document, text, exit } = describeImport(await importApache(options, files), options, 'directive');
    this.result(document, text);
    if (exit > 0) process.exitCode = exit;
  }
}
