import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { HostctlCommand } from '../../command.ts';

export default class ImportCompose extends HostctlCommand<typeof ImportCompose> {
  static override summary = 'Turn a Compose file into definitions.';
  static override description = `Reads the file, runs nothing, and says of every key what became of it. While any is left to decide or
unsupported, nothing is written and the exit code is 2; --force writes all the same, with a list of them at the top.
Variables come from the .env beside the file.`;
  static override examples = [
    '<%= config.bin %> import compose compose.yaml',
    '<%= config.bin %> import compose docker-compose.yml --hostname www.projectname.org --print',
    '<%= config.bin %> import compose compose.yaml --define DOMAIN=projectname.org --force',
  ];
  static override args = {
    file: Args.string({ description: 'The Compose file.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    out: Flags.string({
      helpValue: 'DIR',
      description: "Where the definitions go. Default: the workspace's projects/.",
    }),
    define: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAME=VALUE',
      description: 'A value for ${NAME}, before that of .env.',
    }),
    env: Flags.boolean({ description: 'Take variables of this command, too, before those of .env.' }),
    profile: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: 'Take in the services of a profile; * is all of them.',
    }),
    hostname: Flags.string({ description: 'For a file in which no label names one.' }),
    force: Flags.boolean({ description: 'Write although something is open, and over definitions that are there.' }),
    print: Flags.boolean({ description: 'Print the definitions instead of writing them.' }),
  };

  protected async work(): Promise<void> {
    const [{ importCompose }, { definitionsDirectory, describeImport, readPairs }, { LocalFiles }] = await Promise.all([
      import('../../ops/import-compose.ts'),
      import('../../ops/imported.ts'),
      import('../../local/files.ts'),
    ]);
    const files = new LocalFiles();
    const { out, define = [], env, profile = [], hostname, force, print, workspace } = this.flags;
    const own = env
      ? Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
      : [];
    const options = {
      file: resolve(this.args.file),
      out: await definitionsDirectory({ out, workspace, cwd: process.cwd() }, files),
      define: new Map([...own, ...readPairs('define', define)]),
      profiles: profile,
      force,
      print,
      ...(hostname === undefined ? {} : { hostname }),
    };
    const { document, text, exit } = describeImport(await importCompose(options, files), options, 'key');
    this.result(document, text);
    if (exit > 0) process.exitCode = exit;
  }
}
