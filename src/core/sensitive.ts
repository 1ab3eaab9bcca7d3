/** Directories of a host that give it away to whoever sees or writes them. */
const SENSITIVE = ['/boot', '/dev', '/etc', '/lib', '/lib64', '/proc', '/sys', '/usr', '/root', '/run', '/var/run'];
const WHOLE = new Set(['/', '/home', '/var', '/var/lib', '/srv', '/opt', '/mnt', '/media']);
const ENGINES = ['/var/lib/docker', '/var/lib/containerd', '/var/lib/containers'];

/** Whether no container should see a path of the host. */
export function sensitivePath(path: string): boolean {
  const plain = path.replaceAll(/\/+/g, '/').replace(/(.)\/$/, '$1');
  if (WHOLE.has(plain)) return true;
  return [...SENSITIVE, ...ENGINES].some((item) => plain === item || plain.startsWith(`${item}/`));
}
