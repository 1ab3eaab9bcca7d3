import { Args } from '@oclif/core';
import { HostctlCommand, projectArg } from '../../command.ts';

export default class Releases extends HostctlCommand<typeof Releases> {
  static override summary = 'List the releases of a project that can be brought back, or show one.';
  static override examples = [
    '<%= config.bin %> releases projectname',
    '<%= config.bin %> releases projectname 12 --json',
  ];
  static override args = {
    ...projectArg,
    release: Args.integer({ description: 'Shows this one: images, settings, routes, what its release commands did.' }),
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const { name, release } = this.args;
    const [{ oneRelease, releases }, { formatRelease, formatReleases }] = await Promise.all([
      import('../../ops/rollback.ts'),
      import('../../ui/releases.ts'),
    ]);
    if (release !== undefined) {
      const found = await oneRelease(name, release, context);
      this.result({ release: found }, formatRelease(found));
      return;
    }
    const list = await releases(name, context);
    this.result({ project: name, releases: list }, formatReleases(list));
  }
}
