import { chooseSubnet, chooseUid } from '../../../src/core/identity.ts';
import { desiredState } from '../../../src/core/desired.ts';
import type { DriverName, Project, Workspace } from '../../../src/core/model.ts';
import { egressNetwork, networkName } from '../../../src/core/names.ts';
import type { Problem } from '../../../src/core/problems.ts';
import type { Site } from '../../../src/core/routes.ts';
import type { Desired } from '../../../src/core/state.ts';
import { readDefinition } from '../../../src/ops/read-definition.ts';
import type { DriverInput } from '../../../src/proxy/driver.ts';
import { World } from '../../support/world.ts';
import { claim } from './measure.ts';

const USERS = 'ada:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/\n';

/** A world in memory with the sources that generated definitions name. */
export async function fuzzWorld(): Promise<World> {
  const world = await World.with({});
  world.source('app', { 'package.json': '{}', 'requirements.txt': 'Flask', 'media/a.txt': 'A', 'robots.txt': 'R' });
  world.source('django', {
    'manage.py': 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a.settings")',
    'requirements.txt': 'Django',
  });
  world.source('docker', { Dockerfile: 'FROM busybox' });
  world.source('pages', { htpasswd: USERS, '404.html': 'none' });
  return world;
}

/** The workspace of a world under one of the proxies. */
export function under(driver: DriverName, { workspace }: World): Workspace {
  return { ...workspace, proxy: { ...workspace.proxy, driver } };
}

/** What `validate` says of a text under a name. */
export async function read(
  world: World,
  workspace: Workspace,
  name: string,
  text: string,
): Promise<{ readonly project?: Project; readonly problems: readonly Problem[] }> {
  world.define(name, text);
  const found = await readDefinition(`/work/projects/${name}.yaml`, world.files, workspace, world.templates.runtimes);
  world.files.texts.delete(`/work/projects/${name}.yaml`);
  return found;
}

/** What the projects should be, with uids as a deploy would choose them. */
export function desiredOf(projects: readonly Project[], world: World, workspace: Workspace): Desired[] {
  const taken = new Set<number>();
  return projects.map((project) => {
    const uids: Record<string, number> = {};
    for (const { name } of project.apps) {
      const uid = chooseUid(project.name, name, taken);
      claim(!taken.has(uid), `the uid ${uid} is given twice`);
      taken.add(uid);
      uids[name] = uid;
    }
    const images = Object.fromEntries(project.apps.map(({ name }) => [name, { ref: 'img:1', identity: 'sha256:1' }]));
    const { runtimes } = world.templates;
    return desiredState({
      project,
      workspace,
      identity: { uids },
      images,
      runtimes,
      mediaVersions: {},
      secrets: {},
      key: 'key',
    });
  });
}

/** No two things of any projects have one name, place or range of addresses. */
export function expectApart(desired: readonly Desired[], { instance, pool }: Workspace): void {
  const workloads = desired.flatMap((item) => item.workloads);
  const subnets = [chooseSubnet(pool, 20, 'egress', [])];
  for (const { project } of desired) subnets.push(chooseSubnet(pool, 28, project, subnets));
  const lists: Record<string, readonly string[]> = {
    container: workloads.map(({ container }) => container.name),
    socket: workloads.flatMap(({ socket }) => socket ?? []),
    link: workloads.flatMap(({ link }) => link ?? []),
    network: [egressNetwork(instance), ...desired.map(({ project }) => networkName(instance, project))],
    subnet: subnets,
    files: desired.flatMap(({ media }) => media.map(({ root }) => root)),
    volume: workloads.filter(({ replica }) => replica === 1).flatMap(({ volumes }) => volumes),
  };
  for (const [what, names] of Object.entries(lists)) {
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    claim(twice === undefined, `two of one ${what}: ${twice}`);
    const long = names.find((name) => what === 'container' && !/^[a-z][a-z0-9-]{0,62}$/.test(name));
    claim(long === undefined, `no name for a container: ${long}`);
  }
}

/** What a driver is given; sites with `tls` have a certificate for the names of theirs that can have one. */
export function driverInput(
  sites: readonly Site[],
  workspace: Workspace,
  templates: Readonly<Record<string, string>>,
): DriverInput {
  const secure = sites.filter((site) => site.tls !== undefined);
  const certificates = Object.fromEntries(
    secure.map(({ project, hostnames }) => [
      project,
      { version: 'v1', names: hostnames.filter(({ kind }) => kind === 'exact').map(({ name }) => name) },
    ]),
  );
  const { proxy: settings, instance } = workspace;
  return { sites, settings, instance, certificates, ordering: [], cpus: 2, token: 'token', templates };
}
