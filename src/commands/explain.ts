import { Args, Flags } from '@oclif/core';
import { HostctlCommand } from '../command.ts';

export default class Explain extends HostctlCommand<typeof Explain> {
  static override summary = 'Say what a URL leads to, and why it gives 404, 502 or another site.';
  static override description = `From the URL to the lines of YAML, the rule of the proxy and its priority, the container or file that answers. Works from
the definitions alone; where the engine answers, also with what is live: its release, the state of its containers and what
a visitor gets at this moment.`;
  static override examples = [
    '<%= config.bin %> explain www.projectname.org/media/logo.png',
    '<%= config.bin %> explain https://www.projectname.org/api --method POST --json',
  ];
  static override args = {
    url: Args.string({ description: 'The URL; http:// may be left out.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    method: Flags.string({
      char: 'X',
      helpValue: 'METHOD',
      default: 'GET',
      description: 'Of the request. Default GET.',
    }),
  };

  protected async work(): Promise<void> {
    const context = await this.context();
    const [{ explain }, { formatExplanation }] = await Promise.all([
      import('../ops/explain.ts'),
      import('../ui/explain.ts'),
    ]);
    const explanation = await explain(this.args.url, this.flags.method, context);
    this.result({ ...explanation }, formatExplanation(explanation, this.paint()));
  }
}
