import { namesToOrder } from './certificate.ts';
import type { NetworkSpec } from './container.ts';
import { formatLikely, formatNeed, type MemoryNeed } from './memory.ts';
import type { Limits, Relaxation } from './model.ts';
import type { Site } from './routes.ts';
import type { ContainerView, MediaSet, Release, Workload } from './state.ts';
import { formatSize } from './units.ts';

/** How to come by an image that is not on the engine. */
export type ImageStep =
  | { readonly do: 'base'; readonly base: string }
  | { readonly do: 'build'; readonly app: string; readonly tag: string }
  | { readonly do: 'pull'; readonly app: string; readonly ref: string };

/** One thing a plan will do. `why` is a fragment without a full stop. */
export type Step = { readonly why: string } & (
  | ImageStep
  | { readonly do: 'network'; readonly network: NetworkSpec }
  | ProxyStep
  | { readonly do: 'restore' }
  | { readonly do: 'fence' }
  | { readonly do: 'connect'; readonly network: string; readonly container: string }
  | { readonly do: 'stop'; readonly container: ContainerView; readonly timeout: number }
  | { readonly do: 'run'; readonly workload: Workload }
  | { readonly do: 'start'; readonly workload: Workload }
  | { readonly do: 'task'; readonly workload: Workload; readonly command: readonly string[] }
  | { readonly do: 'ready'; readonly workload: Workload }
  | { readonly do: 'media'; readonly set: MediaSet; readonly workload?: Workload }
  | { readonly do: 'tls'; readonly project: string; readonly own: OwnCertificate }
  | Route
  | { readonly do: 'order'; readonly site: Site }
  | { readonly do: 'watch'; readonly workloads: readonly Workload[]; readonly ms: number }
  | { readonly do: 'own'; readonly set: MediaSet; readonly project: string; readonly uid: number }
  | { readonly do: 'unroute'; readonly project: string }
  | { readonly do: 'limits'; readonly container: string; readonly limits: Limits }
  | { readonly do: 'retire'; readonly container: ContainerView; readonly drain: number; readonly timeout: number }
  | Forget
  | { readonly do: 'erase'; readonly project: string; readonly data: boolean }
);

interface ProxyStep {
  readonly do: 'proxy';
  /** Parts that are started or replaced. */
  readonly names: readonly string[];
  /** Parts of another driver whose place they take. */
  readonly replaces: readonly string[];
  /** Whether it publishes the port for https. */
  readonly secure: boolean;
}

/** A certificate of the user that was read and found right. Paths are absolute, on this machine. */
export interface OwnCertificate {
  readonly certificate: string;
  readonly key: string;
  /** Changes with their content. */
  readonly version: string;
}

interface Route {
  readonly do: 'route';
  readonly release: Release;
  /** Workloads whose socket link has to move. */
  readonly links: readonly Workload[];
  /** Media whose link has to move. */
  readonly media: readonly MediaSet[];
  /** Whether the proxy needs another configuration. */
  readonly reload: boolean;
}

interface SecretVersion {
  readonly name: string;
  readonly version: number;
}

interface Forget {
  readonly do: 'forget';
  readonly project: string;
  readonly containers: readonly string[];
  readonly releases: readonly number[];
  /** Directories below `media/`. */
  readonly media: readonly string[];
  /** Socket links of replicas and apps that are no more. */
  readonly links: readonly string[];
  /** Versions no release that is kept needs. */
  readonly secrets: readonly SecretVersion[];
  /** Files of secrets below the data root whose container is no more. */
  readonly secretFiles: readonly string[];
  /** Images of the project that kept releases need. */
  readonly keepImages: readonly string[];
  /** The project's network, when nothing that is kept needs it. */
  readonly network?: string;
}

export type StepOf<K extends Step['do']> = Extract<Step, { do: K }>;

/** What to do for one project. Nothing a visitor could notice happens before `route`. */
export interface ProjectPlan {
  readonly project: string;
  readonly before: readonly Step[];
  readonly route?: StepOf<'route'>;
  readonly after: readonly Step[];
  /** Of its new containers; absent when it starts none, or the host's memory is not known. */
  readonly memory?: MemoryNeed;
}

export interface Plan {
  /** What the host needs first: networks, the proxy. */
  readonly host: readonly Step[];
  readonly projects: readonly ProjectPlan[];
  /** Set when the memory limits of everything together are more than the host has. */
  readonly overcommitted?: string;
}

export function stepsOf(plan: Plan): Step[] {
  return [...plan.host, ...plan.projects.flatMap(projectSteps)];
}

export function projectSteps(plan: ProjectPlan): Step[] {
  return [...plan.before, ...(plan.route ? [plan.route] : []), ...plan.after];
}

/** What a step is about, in a few words; the same in `plan`, in progress lines and in tests. */
export function subjectOf(step: Step): string {
  switch (step.do) {
    case 'base':
      return step.base;
    case 'build':
      return step.tag;
    case 'pull':
      return step.ref;
    case 'network':
      return `${step.network.name} ${step.network.subnet}`;
    case 'proxy':
      return step.names.join(' and ');
    case 'restore':
      return 'the routes of the live releases';
    case 'fence':
      return 'between apps and this host';
    case 'connect':
      return `${step.container} to ${step.network}`;
    case 'stop':
    case 'retire':
      return step.container.name;
    case 'run':
    case 'start':
    case 'ready':
      return step.workload.container.name;
    case 'watch':
      return step.workloads.map((item) => item.container.name).join(', ');
    case 'task':
      return `${step.workload.app}: ${step.command.join(' ')}`;
    case 'media':
    case 'own':
      return step.set.alias;
    case 'route':
      return step.release.desired.site?.hostnames.map((host) => host.name).join(', ') ?? 'no hostname';
    case 'tls':
      return step.own.certificate;
    case 'order':
      return `a certificate for ${namesToOrder(step.site.hostnames).join(', ')}`;
    case 'unroute':
      return step.project;
    case 'limits':
      return `${step.container} to ${formatLimits(step.limits)}`;
    case 'forget':
      return forgotten(step).join(', ');
    case 'erase':
      return step.data ? `${step.project}, its volumes, uploads and secrets` : step.project;
  }
}

function forgotten(step: Forget): string[] {
  const network = step.network === undefined ? [] : [step.network];
  const links = step.links.map((link) => `link ${link}`);
  const secrets = step.secrets.map(({ name, version }) => `version ${version} of secret ${name}`);
  const releases = step.releases.map((id) => `release ${id}`);
  return [...step.containers, ...releases, ...step.media, ...links, ...secrets, ...step.secretFiles, ...network];
}

function formatLimits(limits: Limits): string {
  return `${formatSize(limits.memory)}, ${limits.cpus} cpus, ${limits.pids} pids`;
}

/** The plan as text: one line per step, grouped by project. What `plan` prints and the golden tests compare. */
export function formatPlan(plan: Plan): string {
  const groups = [
    { title: 'host', steps: plan.host.map(formatStep) },
    ...plan.projects.map((item) => ({
      title: item.project,
      steps: [...formatMemory(item), ...projectSteps(item).map(formatStep)],
    })),
  ].filter((group) => group.steps.length > 0);
  if (groups.length === 0) return 'Up to date.\n';
  return groups.map(({ title, steps }) => `${title}\n${steps.map((step) => `  ${step}\n`).join('')}`).join('\n');
}

/** Where a second copy is started, or there is too little for the first. */
function formatMemory({ memory }: ProjectPlan): string[] {
  if (!memory || (!memory.beside && memory.fits)) return [];
  const likely = formatLikely(memory);
  return [`${'memory'.padEnd(8)}${formatNeed(memory)}${likely === '' ? '' : `  (${likely})`}`];
}

function formatStep(step: Step): string {
  const relaxed = relaxedBy(step).map(({ allow, reason }) => `\n          relaxed: ${allow} (${reason})`);
  return `${step.do.padEnd(8)}${subjectOf(step)}  (${step.why})${relaxed.join('')}`;
}

/** What the hardening of a container that starts gives up. */
export function relaxedBy(step: Step): readonly Relaxation[] {
  return step.do === 'run' || step.do === 'start' ? (step.workload.relax ?? []) : [];
}
