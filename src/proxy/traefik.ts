import { INNER, INSIDE, LAYOUT } from '../core/layout.ts';
import type { Workspace } from '../core/model.ts';
import { PROXY_HTTPS_PORT, PROXY_PORT, type ProxyPart } from '../core/proxy-part.ts';
import type { RuleView } from '../core/results.ts';
import type { AskedRequest, DriverInput, GeneratedFile, Generation, ProxyDriver } from './driver.ts';
import { commands, named, nginxFiles, nginxPart, OVERLAP_MS, type Place } from './nginx.ts';
import { nginxRules } from './nginx-match.ts';
import { dynamicConfig } from './traefik-config.ts';
import { chooseRouter } from './traefik-match.ts';
import { NGINX, WEB } from './traefik-site.ts';
import { dumpTraefik, readTraefik } from './traefik-yaml.ts';
import { resolverArguments, SECURE, storageFile } from './traefik-tls.ts';

/** The file of a generation that Traefik reads. */
const FILE = 'traefik.yml';

/** Milliseconds Traefik keeps an idle connection to nginx; shorter than nginx does, so that none is used too late. */
const NGINX_IDLE_MS = 900;
const NGINX_LINGER_MS = 1200;
/** The slowest upload that is let through. Traefik counts from the first byte of the headers to the last of the body. */
const READ_TIMEOUT = '15m';

/**
 * Media, redirects and pages come from an nginx behind Traefik, with the configuration the nginx driver would have. It
 * believes what Traefik says of the visitor: nobody else can reach it under this name.
 */
const BEHIND: Omit<Place, 'listen'> = {
  driver: 'traefik',
  part: 'media',
  https: false,
  linger: NGINX_LINGER_MS,
  visitor: [
    'set_real_ip_from 0.0.0.0/0;',
    'real_ip_header X-Forwarded-For;',
    'map $http_x_forwarded_proto $hostctl_scheme {',
    '    default http;',
    '    https https;',
    '    wss https;',
    '}',
  ],
};

function behind(instance: string): Place {
  return { ...BEHIND, listen: `${INNER.nginx(instance)}:${PROXY_PORT}` };
}

export const traefik: ProxyDriver = {
  name: 'traefik',
  sockets: false,
  storage: (directory) => `${LAYOUT.acme}/${storageFile(directory)}`,
  parts: (workspace, secure) => [
    { ...nginxPart(behind(workspace.instance)), edge: false, alias: INNER.nginx(workspace.instance) },
    ...(workspace.proxy.existing ? [] : [traefikPart(workspace, secure)]),
  ],
  generation,
  explain,
  ...commands(BEHIND),
  publish: { file: FILE, at: LAYOUT.dynamicFile },
  linger: NGINX_LINGER_MS,
  pooled: NGINX_LINGER_MS,
  overlap: OVERLAP_MS,
};

function generation(input: DriverInput): Generation {
  const place = behind(input.instance);
  const document = dynamicConfig(input, { url: `http://${place.listen}`, idle: NGINX_IDLE_MS });
  return named([...nginxFiles(input, place), { path: FILE, text: dumpTraefik(document) }]);
}

function explain(files: readonly GeneratedFile[], asked: AskedRequest): RuleView[] {
  const text = files.find((file) => file.path === FILE)?.text ?? '';
  const { routers } = (readTraefik(text) as ReturnType<typeof dynamicConfig>).http;
  const chosen = chooseRouter(routers, {
    entryPoint: asked.scheme === 'https' ? SECURE : WEB,
    host: asked.host,
    path: /^[^?#]*/.exec(asked.target)![0],
    method: asked.method,
    headers: {},
  });
  if (!chosen) return [];
  const { rule, priority, middlewares, service } = chosen.router;
  const view: RuleView = {
    proxy: 'traefik',
    router: chosen.name,
    rule,
    priority,
    ...(middlewares ? { middlewares } : {}),
  };
  return service === NGINX ? [view, ...nginxRules(files, asked)] : [view];
}

/** What can be settled once, at the start; whatever follows from the sites stands in the file it watches. */
function traefikPart(workspace: Workspace, secure: boolean): ProxyPart {
  const admin = '--entryPoints.admin';
  const { env } = workspace.tls.dns;
  return {
    name: 'traefik',
    base: 'traefik',
    edge: true,
    alias: INNER.traefik,
    start: [
      'traefik',
      '--global.checkNewVersion=false',
      '--global.sendAnonymousUsage=false',
      ...entryPoint(WEB, PROXY_PORT),
      ...(secure ? [...entryPoint(SECURE, PROXY_HTTPS_PORT), ...resolverArguments(workspace)] : []),
      // On the network only nginx shares: no app and nobody outside can ask.
      `${admin}.address=${INNER.traefik}:${INNER.adminPort}`,
      `${admin}.observability.accessLogs=false`,
      '--api=true',
      '--api.dashboard=false',
      `--providers.file.directory=${INSIDE.dynamic}`,
      '--providers.file.watch=true',
      '--providers.providersThrottleDuration=100ms',
      '--log.level=WARN',
      '--accessLog=true',
      '--accessLog.format=json',
    ],
    ...(secure && env ? { env } : {}),
    mounts: [
      { from: LAYOUT.dynamic, at: INSIDE.dynamic, write: false },
      { from: LAYOUT.acme, at: INSIDE.acme, write: true },
    ],
    secureMounts: [{ from: LAYOUT.tls, at: INSIDE.certificates, write: false }],
    memory: 512 * 1024 ** 2,
    pids: 256,
  };
}

/** Where visitors come in, with the same manners on each port. */
function entryPoint(name: string, port: number): string[] {
  return [
    `address=:${port}`,
    'http.maxHeaderBytes=65536',
    // `X_Real_IP` is `X-Real-IP` to a WSGI or PHP app.
    'http.aliasHeadersStrategy=delete',
    // Paths reach nginx and apps as they were sent; odd ones are nginx's to judge.
    'http.sanitizePath=false',
    // Otherwise a `;` in a query would become a `&`, which is another parameter.
    'http.encodeQuerySemicolons=true',
    'http2.maxConcurrentStreams=100',
    `transport.respondingTimeouts.readTimeout=${READ_TIMEOUT}`,
    'transport.respondingTimeouts.idleTimeout=65s',
    'transport.lifeCycle.graceTimeOut=20s',
  ].map((setting) => `--entryPoints.${name}.${setting}`);
}
