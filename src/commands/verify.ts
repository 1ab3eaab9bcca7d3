import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { HostctlCommand, projectArg } from '../command.ts';
import { EXIT } from '../errors.ts';

export default class Verify extends HostctlCommand<typeof Verify> {
  static override summary = 'Compare a site as it is served here with another server, before DNS is switched.';
  static override description = `Both servers get the same requests: every hostname, files of every alias, redirects, protected paths, links of the start
page. Only GET and HEAD, no credentials, no redirect followed. Status, redirect target, type, body and names of cookies
must be the same; form tokens and what else changes from one request to the next do not count. Exit code 1 when something
differs that is not intended.`;
  static override examples = [
    '<%= config.bin %> verify projectname --against http://192.0.2.10',
    '<%= config.bin %> verify projectname --against https://192.0.2.10 --insecure --path urls.txt --crawl 100',
  ];
  static override args = projectArg;
  static override flags = {
    against: Flags.string({
      required: true,
      helpValue: 'URL',
      description: 'The other server, by its address: it is asked for the hostnames of the site.',
    }),
    insecure: Flags.boolean({ description: 'Take any certificate of the other server.' }),
    path: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'FILE',
      description: 'Ask for these paths too: one per line, such as /news/?page=2 or a whole URL of the site.',
    }),
    crawl: Flags.integer({ default: 20, min: 0, max: 10_000, helpValue: 'N', description: 'Follow so many links.' }),
    parallel: Flags.integer({ default: 4, min: 1, max: 32, helpValue: 'N', description: 'So many requests at once.' }),
    timeout: Flags.string({ default: '10s', helpValue: 'TIME', description: 'How long an answer may take.' }),
    all: Flags.boolean({
      description: 'Show every request, also what is the same and what browsers are told about caching.',
    }),
  };

  protected async work(): Promise<void> {
    const { against, insecure, path = [], crawl, parallel, timeout, all } = this.flags;
    const wait = this.duration(timeout);
    const context = await this.context();
    const [{ verify }, { formatVerification }] = await Promise.all([
      import('../ops/verify.ts'),
      import('../ui/verify.ts'),
    ]);
    const lists = path.map((file) => resolve(file));
    const options = { against, insecure, lists, crawl, parallel, timeout: wait };
    const result = await verify(this.args.name, options, context);
    this.result({ against, ...result }, formatVerification(result, all, this.paint()));
    if (result.different > 0) process.exitCode = EXIT.failed;
  }
}
