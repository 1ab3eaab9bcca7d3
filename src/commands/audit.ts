import { Flags } from '@oclif/core';
import { HostctlCommand, projectArgs } from '../command.ts';
import { EXIT, HostctlError } from '../errors.ts';

export default class Audit extends HostctlCommand<typeof Audit> {
  static override summary = 'Say how exposed every running container is, and whether it still is what was asked for.';
  static override description = `Per container: the checks of section 5 of the CIS Docker Benchmark, stricter in places; settings that are not, or no
longer, as hostctl asks for them; and what it is exposed by, from 0 to 10. Then what this host does about its apps. With
--probe a container with the settings of each app tries what it must not reach. Changes nothing. Exit code 1 when a check
fails, a setting differs, an attempt gets through or an exposure is above --max-exposure.`;
  static override examples = [
    '<%= config.bin %> audit',
    '<%= config.bin %> audit projectname --probe',
    '<%= config.bin %> audit --max-exposure 1.5 --json',
  ];
  static override strict = false;
  static override args = projectArgs;
  static override flags = {
    'max-exposure': Flags.string({ description: 'Fail when a container is exposed more than this, from 0 to 10.' }),
    probe: Flags.boolean({ description: 'Try it from inside, in containers that are thrown away.' }),
  };

  protected async work(): Promise<void> {
    const most = this.most();
    const context = await this.context();
    const [{ audit }, { auditFails, formatExposure }] = await Promise.all([
      import('../ops/audit.ts'),
      import('../ui/audit.ts'),
    ]);
    const result = await audit(this.names, { probe: this.flags.probe }, context);
    this.result({ ...result }, formatExposure(result, most, this.paint()));
    if (auditFails(result, most)) process.exitCode = EXIT.failed;
  }

  private most(): number {
    const text = this.flags['max-exposure'];
    if (text === undefined) return 10;
    const most = Number(text);
    if (/^\d+(\.\d+)?$/.test(text) && most <= 10) return most;
    throw new HostctlError('USAGE', `--max-exposure ${text} is no number from 0 to 10`, { exit: EXIT.definition });
  }
}
