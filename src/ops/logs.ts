import { LABEL } from '../core/names.ts';
import { quote } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { Context, LogLine, LogOptions } from '../ports.ts';
import { containersOf, defaultApp, liveContainers, readTarget, requireDeployed } from './containers.ts';
import { observe } from './observe.ts';

export interface ProjectLine {
  readonly container: string;
  readonly app: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  /** Whether lines of several containers come mixed. */
  readonly several: boolean;
}

/** What the live containers of a project wrote, mixed as it comes when it is followed. */
export async function* logs(
  target: { project: string; app?: string },
  container: string | undefined,
  options: LogOptions,
  ctx: Context,
): AsyncGenerator<ProjectLine> {
  const observed = await observe(ctx);
  requireDeployed(target.project, observed);
  const all =
    container === undefined ? liveContainers(target.project, observed) : containersOf(target.project, observed);
  const wanted = all.filter(
    (item) =>
      (container === undefined || item.name === container) &&
      (target.app === undefined || item.labels[LABEL.app] === target.app),
  );
  if (wanted.length === 0) {
    throw new HostctlError('NO_CONTAINER', `${quote(container ?? target.app ?? target.project)} has no container`, {
      exit: EXIT.definition,
      hints: [
        `containers: ${containersOf(target.project, observed)
          .map((item) => item.name)
          .join(', ')}`,
      ],
    });
  }
  const sources = wanted.map((item) => ({
    app: item.labels[LABEL.app]!,
    name: item.name,
    lines: ctx.engine.logs(item.name, options),
  }));
  const several = sources.length > 1;
  for await (const { source, value } of merge(sources)) {
    yield { container: source.name, app: source.app, stream: value.stream, text: value.text, several };
  }
}

interface Source {
  readonly name: string;
  readonly app: string;
  readonly lines: AsyncIterable<LogLine>;
}

/** Lines of several containers in the order they come. */
async function* merge(sources: readonly Source[]): AsyncGenerator<{ source: Source; value: LogLine }> {
  const iterators = new Map(sources.map((source) => [source, source.lines[Symbol.asyncIterator]()]));
  const pull = async (source: Source): Promise<{ source: Source; result: IteratorResult<LogLine> }> => ({
    source,
    result: await iterators.get(source)!.next(),
  });
  const waiting = new Map(sources.map((source) => [source, pull(source)]));
  while (waiting.size > 0) {
    const { source, result } = await Promise.race(waiting.values());
    if (result.done) waiting.delete(source);
    else {
      waiting.set(source, pull(source));
      yield { source, value: result.value };
    }
  }
}

/** The container a program should run in: `projectname` or `projectname/app`. */
export async function runningContainer(name: string, ctx: Context): Promise<string> {
  const observed = await observe(ctx);
  const { project, app } = readTarget(name);
  requireDeployed(project, observed);
  const wanted = app ?? defaultApp(project, observed);
  const found = liveContainers(project, observed).find(
    (item) => item.labels[LABEL.app] === wanted && item.state === 'running',
  );
  if (found) return found.name;
  throw new HostctlError('NOT_RUNNING', `${project}/${wanted} is not running`, {
    hints: [`hostctl start ${project}/${wanted}`],
  });
}
