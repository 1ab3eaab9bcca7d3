import { sampleName } from '../core/hostnames.ts';
import type { Desired } from '../core/state.ts';
import type { Answer } from '../ports.ts';

/** What a visitor of a project asks for. */
export interface Asked {
  readonly project: string;
  readonly host: string;
  readonly path: string;
  /** Statuses the definition expects besides 2xx and 3xx. */
  readonly expect: readonly number[];
  /** Whether the site has https, or may have it. */
  readonly secure?: boolean;
}

/** What tells whether a release serves; undefined when it answers no visitors at all. @param before a release that may answer too */
export function askedOf(desired: Desired, before?: Desired): Asked | undefined {
  const app = appOf(desired);
  if (app === undefined) return undefined;
  const health = desired.workloads.find((item) => item.app === app)?.health;
  return {
    project: desired.project,
    host: hostOf(desired, before),
    path: health?.path ?? '/',
    expect: health?.expect ?? [],
    ...(desired.site?.tls ? { secure: true } : {}),
  };
}

/** The app that answers them. */
export function appOf({ site }: Desired): string | undefined {
  const target = site?.routes.toReversed().find((item) => item.target.to === 'app')?.target;
  return target?.to === 'app' ? target.app : undefined;
}

/** The name a visitor would ask for; one that `before` answers too, where there is one. */
export function hostOf(desired: Desired, before?: Desired): string {
  const all = desired.site?.hostnames ?? [];
  const common = all.filter((name) => before?.site?.hostnames.some((other) => other.name === name.name));
  const names = common.length > 0 ? common : all;
  // The others are only redirected there. A name between wildcards may belong to another project.
  const canonical = names.find((name) => name.name === desired.site?.settings?.canonical);
  const first = canonical ?? names.find((name) => name.kind === 'exact') ?? names[0];
  return first ? sampleName(first) : 'localhost';
}

/** Whether a visitor got an answer of the app, rather than none or one that says it is broken. */
export function served(answer: Answer, asked: Asked): boolean {
  return answer.ok && (answer.status < 500 || asked.expect.includes(answer.status));
}

/** An answer that is none, in words. */
export function reasonOf(answer: Answer): string {
  return answer.ok ? `answered ${answer.status}` : answer.reason;
}
