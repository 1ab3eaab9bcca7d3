import { LABEL } from '../core/names.ts';
import { quote } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';
import type { ContainerView, Observed } from '../core/state.ts';
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

/**
 * What the live containers of a project wrote, mixed as it comes when it is followed. Who follows goes on with the copy
 * that takes the place of one that ended.
 */
export async function* logs(
  target: { project: string; app?: string },
  container: string | undefined,
  options: LogOptions,
  ctx: Context,
): AsyncGenerator<ProjectLine> {
  const observed = await observe(ctx);
  requireDeployed(target.project, observed);
  const wanted = wantedContainers(target, container, observed);
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
  const seen = new Set<string>();
  const sourcesOf = (items: readonly ContainerView[], how: LogOptions): Source[] =>
    items
      .filter((item) => !seen.has(item.name) && seen.add(item.name))
      .map((item) => ({
        app: item.labels[LABEL.app]!,
        name: item.name,
        lines: ctx.engine.logs(item.name, how),
      }));
  const replacements = async (): Promise<Source[]> => {
    if (!options.follow) return [];
    const { tail: _, since: __, ...all } = options;
    return sourcesOf(wantedContainers(target, container, await observe(ctx)), all);
  };
  const sources = sourcesOf(wanted, options);
  const several = sources.length > 1;
  for await (const { source, value } of merge(sources, replacements)) {
    yield { container: source.name, app: source.app, stream: value.stream, text: value.text, several };
  }
}

function wantedContainers(
  target: { project: string; app?: string },
  container: string | undefined,
  observed: Observed,
): ContainerView[] {
  const all =
    container === undefined ? liveContainers(target.project, observed) : containersOf(target.project, observed);
  return all.filter(
    (item) =>
      (container === undefined || item.name === container) &&
      (target.app === undefined || item.labels[LABEL.app] === target.app),
  );
}

interface Source {
  readonly name: string;
  readonly app: string;
  readonly lines: AsyncIterable<LogLine>;
}

interface Pulled {
  readonly source: Source;
  readonly lines: AsyncIterator<LogLine>;
  readonly result: IteratorResult<LogLine>;
}

/** Lines of several containers in the order they come. @param more what to go on with when one has ended */
async function* merge(
  sources: readonly Source[],
  more: () => Promise<readonly Source[]>,
): AsyncGenerator<{ source: Source; value: LogLine }> {
  const waiting = new Map<Source, Promise<Pulled>>();
  const pull = async (source: Source, lines: AsyncIterator<LogLine>): Promise<Pulled> => ({
    source,
    lines,
    result: await lines.next(),
  });
  const begin = (source: Source): unknown => waiting.set(source, pull(source, source.lines[Symbol.asyncIterator]()));
  for (const source of sources) begin(source);
  while (waiting.size > 0) {
    const { source, lines, result } = await Promise.race(waiting.values());
    if (result.done) {
      waiting.delete(source);
      for (const next of await more()) begin(next);
    } else {
      waiting.set(source, pull(source, lines));
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
