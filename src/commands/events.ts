import { Args, Flags } from '@oclif/core';
import { HostctlCommand } from '../command.ts';

/** Lines shown when nobody says since when. */
const LAST = 50;

export default class Events extends HostctlCommand<typeof Events> {
  static override summary = 'Show what was done on this host: who, what, releases, outcome, how long it took.';
  static override description = `The last ${LAST}, or all since a time. \`unfinished\` is what began and was killed.`;
  static override examples = [
    '<%= config.bin %> events',
    '<%= config.bin %> events projectname --since 7d',
    '<%= config.bin %> events --since 1d --json',
  ];
  static override args = {
    name: Args.string({ description: 'A project; default: all, and `host` for what they share.', ignoreStdin: true }),
  };
  static override flags = {
    since: Flags.string({ helpValue: 'TIME', description: 'Only what is younger, such as 7d.' }),
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const [{ events }, { formatEvents }] = await Promise.all([import('../ops/journal.ts'), import('../ui/events.ts')]);
    const { since } = this.flags;
    const from = since === undefined ? -Infinity : context.clock.now() - this.duration(since);
    const all = await events(this.args.name, from, context);
    const shown = since === undefined ? all.slice(-LAST) : all;
    this.result({ events: shown }, formatEvents(shown, this.paint()));
  }
}
