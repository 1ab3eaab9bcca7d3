import { HostctlCommand } from '../command.ts';
import { EXIT } from '../errors.ts';

export default class Doctor extends HostctlCommand<typeof Doctor> {
  static override summary = 'Check everything a deploy relies on, and say what to do.';
  static override description = 'Exit code 1 when there is a problem; warnings alone leave it at 0.';
  static override examples = ['<%= config.bin %> doctor'];

  protected async work(): Promise<void> {
    const context = await this.context(true);
    const [{ doctor }, { formatFindings }] = await Promise.all([import('../ops/doctor.ts'), import('../ui/status.ts')]);
    const findings = await doctor(context);
    this.result({ findings }, formatFindings(findings, this.paint()));
    if (findings.some((finding) => finding.state === 'problem')) process.exitCode = EXIT.failed;
  }
}
