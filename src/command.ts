import { Args, Command, type Errors, Flags, type Interfaces } from '@oclif/core';
import { Chalk, type ChalkInstance } from 'chalk';
import { DefinitionError, EXIT, HostctlError } from './errors.ts';
import { visible, visibleLines } from './core/characters.ts';
import { parseDuration } from './core/units.ts';
import { JSON_VERSION, type Outcome } from './core/results.ts';
import type { Context, Ui } from './ports.ts';
import { bugText, failureLine, wantsJson } from './ui/failure.ts';
import type { report as Report } from './ui/outcomes.ts';

/** What `--wait` means without a time. */
const WAIT_ALONE = '1h';

type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<(typeof HostctlCommand)['baseFlags'] & T['flags']>;
type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>;

/**
 * What every command has in common: the shared flags, where output goes, and the one place that turns errors into
 * words and exit codes. A command parses, calls one operation and hands over the result.
 */
export abstract class HostctlCommand<T extends typeof Command> extends Command {
  static override enableJsonFlag = false;
  static override baseFlags = {
    workspace: Flags.string({
      char: 'C',
      helpValue: 'DIR',
      env: 'HOSTCTL_WORKSPACE',
      description: 'Directory with hostctl.yaml; default: this one or the nearest above.',
      helpGroup: 'GLOBAL',
    }),
    json: Flags.boolean({ description: 'Print JSON for programs.', helpGroup: 'GLOBAL' }),
    verbose: Flags.boolean({ char: 'v', description: 'Show what builds and installs print.', helpGroup: 'GLOBAL' }),
  };

  protected flags!: FlagsOf<T>;
  protected args!: ArgsOf<T>;
  /** The words that are no flags, for commands that take several. */
  protected names: readonly string[] = [];
  #ui: Ui | undefined;
  /** oclif would warn of a wrong usage as of a bug where NODE_ENV is `development`. */
  override parsed = true;

  /** Does the command's work. The exit code is 0 unless it sets another. */
  protected abstract work(): Promise<void>;

  override async run(): Promise<void> {
    if ('wait' in (this.ctor.flags ?? {})) this.argv = withTime(this.argv);
    const { flags, args, argv } = await this.parse({
      flags: { ...this.ctor.baseFlags, ...this.ctor.flags },
      args: this.ctor.args,
      strict: this.ctor.strict,
    });
    this.flags = flags as FlagsOf<T>;
    this.args = args as ArgsOf<T>;
    this.names = argv as string[];
    try {
      await this.work();
    } finally {
      this.#ui?.close();
    }
  }

  /** Adapters for the real world. @param optional defaults will do where there is no hostctl.yaml */
  protected async context(optional = false): Promise<Context> {
    const { makeContext } = await import('./context.ts');
    const { workspace } = this.flags as { workspace?: string };
    return makeContext({
      root: this.config.root,
      ...(workspace === undefined ? {} : { workspace }),
      ui: await this.ui(),
      env: process.env,
      cwd: process.cwd(),
      optional,
    });
  }

  protected async ui(): Promise<Ui> {
    if (this.#ui) return this.#ui;
    if (this.json) {
      const { JsonUi } = await import('./ui/json.ts');
      this.#ui = new JsonUi((line) => this.events(line));
    } else {
      const { TerminalUi } = await import('./ui/terminal.ts');
      const { verbose } = this.flags as { verbose: boolean };
      const live = process.stderr.isTTY ? (await import('log-update')).createLogUpdate(process.stderr) : undefined;
      const color = this.paint('err').level > 0;
      this.#ui = new TerminalUi({
        err: process.stderr,
        input: process.stdin,
        color,
        verbose,
        // At once: a real signal would come after Node has found nothing left to wait for.
        interrupt: () => process.emit('SIGINT'),
        ...(live ? { live } : {}),
      });
    }
    return this.#ui;
  }

  /** The projects a command is about: those named, or all. */
  protected chosen(): readonly string[] | 'all' {
    const { all } = this.flags as { all?: boolean };
    const usage = (message: string): HostctlError =>
      new HostctlError('USAGE', message, { exit: EXIT.definition, hints: [`hostctl ${spoken(this.id)} --help`] });
    if (all && this.names.length > 0) throw usage('name projects or say --all, not both');
    if (!all && this.names.length === 0) throw usage('name a project, or say --all');
    return all ? 'all' : [...new Set(this.names)];
  }

  /** Says why `--all` found nothing to do where there is no project. */
  protected noteEmpty(projects: number, { ui, workspace }: Context): void {
    if (projects > 0) return;
    ui.event({ type: 'note', text: `there is no project in ${workspace.dir}/projects; hostctl init writes one` });
  }

  /** Where events go as JSON lines; commands whose result is one document keep stdout free of them. */
  protected events(line: string): void {
    process.stderr.write(line);
  }

  protected get json(): boolean {
    return (this.flags as { json?: boolean } | undefined)?.json ?? wantsJson(this.argv);
  }

  /** Colours for a stream: NO_COLOR and FORCE_COLOR count, then whether it is a terminal. */
  protected paint(stream: 'out' | 'err' = 'out'): ChalkInstance {
    const { NO_COLOR, FORCE_COLOR } = process.env;
    const tty = (stream === 'out' ? process.stdout : process.stderr).isTTY;
    const color = NO_COLOR ? false : FORCE_COLOR ? FORCE_COLOR !== '0' : tty;
    return new Chalk({ level: color ? 1 : 0 });
  }

  /** The result: one JSON document for programs, text for people. */
  protected result(document: Record<string, unknown>, text: string): void {
    this.#ui?.close();
    process.stdout.write(
      this.json ? `${JSON.stringify({ version: JSON_VERSION, ...document }, undefined, 2)}\n` : text,
    );
  }

  /** Milliseconds of a flag such as `--wait 5m`; 0 without it. */
  protected duration(text: string | undefined): number {
    if (text === undefined) return 0;
    const parsed = parseDuration(text);
    if (!parsed.ok) throw new HostctlError('USAGE', parsed.message, { exit: EXIT.definition });
    return parsed.value;
  }

  /** What became of each project; the exit code is that of the first that failed. */
  protected async outcomes(outcomes: readonly Outcome[], report: typeof Report): Promise<void> {
    this.#ui?.close();
    const { lines, document } = report(outcomes, this.paint());
    process.stdout.write(
      this.json ? `${JSON.stringify({ version: JSON_VERSION, type: 'result', ...document })}\n` : lines,
    );
    await this.failures(outcomes.flatMap(({ error }) => (error === undefined ? [] : [error])));
  }

  /** Errors of some of the things a command was about; the exit code is that of the first. */
  protected async failures(errors: readonly unknown[]): Promise<void> {
    for (const error of errors) {
      if (!(error instanceof HostctlError)) process.stderr.write(bugText(error));
      else if (!this.json) process.stderr.write(await this.words(error));
    }
    const [first] = errors;
    if (first !== undefined) process.exitCode = first instanceof HostctlError ? first.exit : EXIT.failed;
  }

  protected override async catch(error: Error): Promise<void> {
    this.#ui?.close();
    const failure = asFailure(error, spoken(this.id));
    if (!failure) throw error;
    process.exitCode = failure.exit;
    if (this.json) {
      process.stdout.write(failureLine(failure));
      return;
    }
    process.stderr.write(await this.words(failure));
  }

  /** An error for people: what, and what to do next. */
  protected async words(failure: HostctlError): Promise<string> {
    const paint = this.paint('err');
    const hints = failure.hints.map((hint) => `  ${paint.cyan('→')} ${visible(hint)}\n`).join('');
    if (failure instanceof DefinitionError) {
      const { formatProblems } = await import('./ui/problems.ts');
      return `${formatProblems(failure.problems, paint)}\n${paint.red(failure.message)}\n${hints}`;
    }
    return `${paint.red('error')} ${visibleLines(failure.message)}\n${hints}`;
  }
}

/** Our own errors and oclif's about arguments; anything else is a bug and keeps its stack. */
function asFailure(error: Error, command: string): HostctlError | undefined {
  if (error instanceof HostctlError) return error;
  const { oclif, message } = error as Errors.CLIError;
  if (oclif?.exit === undefined || message.startsWith('EEXIT')) return undefined;
  const unexpected = /^Unexpected arguments?: (.*)$/m.exec(message)?.[1];
  // oclif's advice about flags that take several values each, which none of ours does.
  const advice = /^(?:See more help|Note: --|Alternatively, you can use "--")/;
  const lines = message.split('\n').filter((line) => !advice.test(line));
  const text = unexpected === undefined ? lines.join('\n').trim() : `${command} takes no such argument: ${unexpected}`;
  return new HostctlError('USAGE', text, { exit: EXIT.definition, hints: [`hostctl ${command} --help`] });
}

/** `import:apache` as it is typed. */
function spoken(id: string | undefined): string {
  return (id ?? '').replaceAll(':', ' ');
}

/** For commands that take any number of projects. */
export const projectArgs = {
  name: Args.string({ description: 'One or more projects.', ignoreStdin: true }),
};

/** For commands about one project. */
export const projectArg = {
  name: Args.string({ description: 'The project.', required: true, ignoreStdin: true }),
};

/** For commands about one project or one of its apps. */
export const targetArg = {
  name: Args.string({ description: 'The project, or PROJECT/APP.', required: true, ignoreStdin: true }),
};

export const waitFlag = {
  wait: Flags.string({
    helpValue: '[TIME]',
    description: 'Wait while another command works on the project, such as 5m; --wait alone waits up to an hour.',
  }),
};

/** `--wait` without a time, which oclif does not know: the next word is no time then. */
function withTime(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((word, index) => {
    const bare = word === '--wait' && (end === -1 || index < end) && !/^\d/.test(argv[index + 1] ?? '');
    return bare ? `--wait=${WAIT_ALONE}` : word;
  });
}
