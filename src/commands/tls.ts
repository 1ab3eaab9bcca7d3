import { Args, Flags } from '@oclif/core';
import { HostctlCommand } from '../command.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';

export default class Tls extends HostctlCommand<typeof Tls> {
  static override summary = 'Show certificates, or renew those that end soon.';
  static override description = `\`renew\` is what a timer calls twice a day: it orders anew what ends within 30 days, or within a third of its
life. A renewal that fails keeps the certificate that is there, and is tried again the next time.`;
  static override usage = 'tls status|renew [NAME]...';
  static override examples = ['<%= config.bin %> tls status', '<%= config.bin %> tls renew projectname --force'];
  static override strict = false;
  static override args = {
    action: Args.string({
      options: ['status', 'renew'],
      required: true,
      description: 'What to do.',
      ignoreStdin: true,
    }),
    name: Args.string({ description: 'One or more projects; default: all.', ignoreStdin: true }),
  };
  static override flags = {
    force: Flags.boolean({ description: 'Renew what is good for a long time yet, too. Authorities limit how often.' }),
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const names = [...new Set(this.names.slice(1))];
    await (this.args.action === 'renew' ? this.renew(names, context) : this.show(names, context));
  }

  private async show(names: readonly string[], context: Context): Promise<void> {
    if (this.flags.force) {
      throw new HostctlError('USAGE', '--force is for renew', { exit: EXIT.definition, hints: ['hostctl tls --help'] });
    }
    const [{ certificates }, { formatCertificates }] = await Promise.all([
      import('../ops/renew.ts'),
      import('../ui/certificates.ts'),
    ]);
    const list = await certificates(names, context);
    this.result({ certificates: list }, formatCertificates(list, this.paint()) || 'No site has tls.\n');
  }

  private async renew(names: readonly string[], context: Context): Promise<void> {
    const [{ renew }, { reportRenewals }] = await Promise.all([
      import('../ops/renew.ts'),
      import('../ui/certificates.ts'),
    ]);
    const renewals = await renew(names, { force: this.flags.force }, context);
    const { text, document } = reportRenewals(renewals, this.paint());
    this.result(document, text);
    await this.failures(renewals.flatMap(({ error }) => (error === undefined ? [] : [error])));
  }
}
