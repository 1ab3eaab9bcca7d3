import type { ContainerReport, Explanation, FileView, LiveView } from './results.ts';
import { formatDuration, quote } from './units.ts';

/** What is known of a request whose answer may not be the one that is wanted. */
export interface Symptoms {
  /** What the definitions make of it. */
  readonly to: 'app' | 'media' | 'redirect' | 'nothing' | 'refused' | 'nobody';
  readonly project?: string;
  readonly app?: string;
  /** Milliseconds the proxy waits for the app. */
  readonly timeout?: number;
  readonly files: readonly FileView[];
  /** Whether `http.access` has a say. */
  readonly guarded: boolean;
  /** Asked over https, which the project has not. */
  readonly plainOnly: boolean;
  /** Absent while nothing is known of the host. */
  readonly live?: LiveView;
}

type Causes = Explanation['causes'];

/** Why a request gets no good answer, what weighs most first. */
export function diagnose(symptoms: Symptoms): Causes {
  const { live, project } = symptoms;
  if (symptoms.plainOnly) {
    const text = `${project} has no \`tls\`, so that it answers http only`;
    return [{ text, hint: 'add `tls: { acme: http }`, or a certificate of your own' }];
  }
  if (!live) return fileCauses(symptoms);
  const never = project !== undefined && live.release === undefined;
  if (never) return [{ text: `${project} was never deployed here`, hint: `hostctl deploy ${project}` }];
  if (live.proxy === 'silent') {
    return [
      { text: 'the proxy does not answer: no site of this host does', hint: 'hostctl doctor, then hostctl setup' },
    ];
  }
  if (live.closed) {
    return [
      { text: `${project} is closed for maintenance: visitors get 503`, hint: `hostctl maintenance off ${project}` },
    ];
  }
  const changed =
    live.differs === undefined ? [] : [{ text: live.differs, hint: `hostctl plan ${project ?? '--all'}, then deploy` }];
  return [...changed, ...(symptoms.to === 'app' ? appCauses(symptoms, live) : []), ...fileCauses(symptoms)];
}

function appCauses({ project, app, timeout = 0, guarded }: Symptoms, live: LiveView): Causes {
  const sick = live.containers.filter((item) => !item.ok);
  if (sick.length > 0) {
    const others = {
      text: 'the other replicas answer, so that only some requests fail',
      hint: `hostctl status ${project}`,
    };
    const causes = sick.map((item) => containerCause(item, `${project}/${app}`));
    return sick.length < live.containers.length ? [...causes, others] : causes;
  }
  const { status } = live.visit ?? {};
  if (status === 502) {
    return [
      {
        text: 'the containers answer hostctl, but the proxy does not reach them, or the app breaks off its answer',
        hint: `hostctl logs ${project}/${app}; hostctl deploy ${project} connects them anew`,
      },
    ];
  }
  if (status === 504) {
    const wait = timeout > 0 ? ` within ${formatDuration(timeout)}` : '';
    return [{ text: `the app did not answer this page${wait}`, hint: 'make it faster, or raise `http.timeout`' }];
  }
  if (guarded && (status === 401 || status === 403)) {
    return [{ text: `\`http.access\` of ${project} keeps this machine out`, hint: 'others may be let in' }];
  }
  if (status === 429) return [{ text: 'more requests came than `http.rate` lets through', hint: 'wait, or raise it' }];
  if (status === 413) return [{ text: 'the request is larger than `http.body`', hint: 'raise it' }];
  if (status === 404)
    return [
      {
        text: 'the app itself says that there is no such page: the proxy passes every path of it on',
        hint: `hostctl logs ${project}/${app}`,
      },
    ];
  if (status !== undefined && status >= 500)
    return [{ text: `the ${status} is the app's own`, hint: `hostctl logs ${project}/${app}` }];
  if (status === 400)
    return [
      {
        text: 'the app itself refuses the request; many frameworks have a list of hostnames they answer for',
        hint: 'add the hostname there, such as `ALLOWED_HOSTS` of Django',
      },
    ];
  return [];
}

function containerCause({ name, state, detail, log }: ContainerReport, target: string): { text: string; hint: string } {
  const [project] = target.split('/') as [string];
  if (state === 'missing')
    return { text: `there is no container ${name}, which the live release needs`, hint: `hostctl deploy ${project}` };
  if (state === 'exited' || state === 'created' || state === 'dead') {
    const memory = /memory/.test(detail) ? 'raise limits.memory, then ' : '';
    return {
      text: `${name} is stopped (${detail})`,
      hint: `${memory}hostctl start ${project}${log.length > 0 ? '; its last words are above' : ''}`,
    };
  }
  if (state === 'restarting')
    return { text: `${name} ends again and again (${detail})`, hint: `hostctl logs ${target}` };
  return {
    text: `${name} runs, and ${detail}`,
    hint: `hostctl logs ${target}; it must listen where hostctl expects it, on all addresses`,
  };
}

function fileCauses({ to, files, project }: Symptoms): Causes {
  if (to !== 'media') return [];
  const served = files.find((file) => file.of === 'live');
  const source = files.find((file) => file.of === 'definition');
  const shown = served ?? source;
  const wrong = shown && WRONG[shown.state];
  if (served && source && served.state === 'missing' && source.state === 'file') {
    return [
      {
        text: `${quote(source.path)} is there, and was not when the project was deployed`,
        hint: `hostctl deploy ${project}`,
      },
    ];
  }
  if (wrong === undefined) return [];
  const near = shown?.near ?? source?.near;
  return [
    {
      text: `${quote(shown!.path)} ${wrong.text}`,
      hint: near === undefined ? wrong.hint : `did you mean ${quote(near)}?`,
    },
  ];
}

const WRONG: Readonly<Record<FileView['state'], { text: string; hint: string } | undefined>> = {
  file: undefined,
  missing: { text: 'is not there', hint: 'names are compared letter by letter, upper and lower case too' },
  folder: { text: 'is a folder, and folders are not listed', hint: 'ask for a file in it' },
  link: { text: 'is reached over a symbolic link, and the proxy follows none', hint: 'put the file itself there' },
  closed: { text: 'cannot be read from here', hint: 'run it as root' },
};
