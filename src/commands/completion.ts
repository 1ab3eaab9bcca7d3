import { Args } from '@oclif/core';
import { HostctlCommand } from '../command.ts';

export default class Completion extends HostctlCommand<typeof Completion> {
  static override summary = 'Print a completion script for your shell.';
  static override examples = [
    'source <(<%= config.bin %> completion bash)',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/hostctl.fish',
  ];
  static override args = {
    shell: Args.string({
      options: ['bash', 'zsh', 'fish'],
      required: true,
      description: 'Your shell.',
      ignoreStdin: true,
    }),
  };

  protected async work(): Promise<void> {
    const { completionScript } = await import('../ui/completion.ts');
    const commands = this.config.commands
      .filter((command) => !command.hidden)
      .map((command) => ({
        name: command.id.replaceAll(':', ' '),
        summary: command.summary ?? '',
        flags: Object.keys(command.flags).map((flag) => `--${flag}`),
      }));
    const shell = this.args.shell as 'bash' | 'zsh' | 'fish';
    const script = completionScript(shell, commands);
    this.result({ shell, script }, script);
  }
}
