import { Flags } from '@oclif/core';
import { HostctlCommand } from '../command.ts';
import { DefinitionError, EXIT } from '../errors.ts';
import type { Context } from '../ports.ts';

export default class Check extends HostctlCommand<typeof Check> {
  static override summary = 'Look at the whole workspace for what no definition shows alone.';
  static override description = `Without the engine: everything \`validate\` finds, hostnames and globs of different projects that meet, routes and files that
are never reached, certificates and their authority's limits, uids, networks, volumes and memory of this host. Exit code 2
when there is an error; warnings and notes leave it at 0.`;
  static override examples = ['<%= config.bin %> check', '<%= config.bin %> check --strict --json'];
  static override flags = {
    strict: Flags.boolean({ description: 'Exit with 2 when there is a warning, too.' }),
  };

  protected async work(): Promise<void> {
    const context = await this.checkable();
    const [{ check }, { formatAudit }] = await Promise.all([import('../ops/check.ts'), import('../ui/problems.ts')]);
    const audit = await check(context);
    const count = (level: string): number => audit.findings.filter((finding) => finding.level === level).length;
    const [errors, warnings, notes] = [count('error'), count('warning'), count('note')];
    this.result({ ...audit, errors, warnings, notes }, formatAudit(audit, this.paint()));
    if (errors > 0 || (this.flags.strict && warnings > 0)) process.exitCode = EXIT.definition;
  }

  /** With a hostctl.yaml that says nothing certain, only what is wrong with the definitions can be told. */
  private async checkable(): Promise<Context> {
    try {
      return await this.context();
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      const [{ validate }, { chooseWorkspace }, { loadTemplates }, { LocalFiles }] = await Promise.all([
        import('../ops/load.ts'),
        import('../ops/workspace.ts'),
        import('../local/templates.ts'),
        import('../local/files.ts'),
      ]);
      const files = new LocalFiles();
      const dir = await chooseWorkspace(files, this.flags.workspace, process.cwd());
      await validate(files, dir, await loadTemplates(`${this.config.root}/templates`));
      throw error;
    }
  }
}
