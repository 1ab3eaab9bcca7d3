import { INNER, INSIDE, LAYOUT } from '../core/layout.ts';
import { PROXY_PORT, type ProxyPart } from '../core/proxy-part.ts';
import type { RuleView } from '../core/results.ts';
import type { AskedRequest, DriverInput, GeneratedFile, Generation, ProxyDriver } from './driver.ts';
import { commands, named, nginxFiles, nginxPart, type Place } from './nginx.ts';
import { nginxRules } from './nginx-match.ts';
import { dynamicConfig } from './traefik-config.ts';
import { chooseRouter } from './traefik-match.ts';
import { NGINX, WEB } from './traefik-site.ts';
import { dumpTraefik, readTraefik } from './traefik-yaml.ts';

const WEB_SECURE = 'websecure';
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
const BEHIND: Place = {
  driver: 'traefik',
  part: 'media',
  listen: `${INNER.nginx}:${PROXY_PORT}`,
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

export const traefik: ProxyDriver = {
  name: 'traefik',
  sockets: false,
  parts: ({ existing }) => [
    { ...nginxPart(BEHIND), edge: false, alias: INNER.nginx },
    ...(existing ? [] : [traefikPart()]),
  ],
  generation,
  explain,
  ...commands(BEHIND),
  publish: { file: FILE, at: LAYOUT.dynamicFile },
  linger: NGINX_LINGER_MS,
};

function generation(input: DriverInput): Generation {
  const nginxAt = { url: `http://${BEHIND.listen}`, idle: NGINX_IDLE_MS };
  const document = dynamicConfig(input, nginxAt);
  return named([...nginxFiles(input, BEHIND), { path: FILE, text: dumpTraefik(document) }]);
}

function explain(files: readonly GeneratedFile[], asked: AskedRequest): RuleView[] {
  const text = files.find((file) => file.path === FILE)?.text ?? '';
  const { routers } = (readTraefik(text) as ReturnType<typeof dynamicConfig>).http;
  const chosen = chooseRouter(routers, {
    entryPoint: asked.scheme === 'https' ? WEB_SECURE : WEB,
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
function traefikPart(): ProxyPart {
  const web = '--entryPoints.web';
  const admin = '--entryPoints.admin';
  return {
    name: 'traefik',
    base: 'traefik',
    edge: true,
    alias: INNER.traefik,
    start: [
      'traefik',
      '--global.checkNewVersion=false',
      '--global.sendAnonymousUsage=false',
      `${web}.address=:${PROXY_PORT}`,
      `${web}.http.maxHeaderBytes=65536`,
      // `X_Real_IP` is `X-Real-IP` to a WSGI or PHP app.
      `${web}.http.aliasHeadersStrategy=delete`,
      // Paths reach nginx and apps as they were sent; odd ones are nginx's to judge.
      `${web}.http.sanitizePath=false`,
      `${web}.http2.maxConcurrentStreams=100`,
      `${web}.transport.respondingTimeouts.readTimeout=${READ_TIMEOUT}`,
      `${web}.transport.respondingTimeouts.idleTimeout=65s`,
      `${web}.transport.lifeCycle.graceTimeOut=20s`,
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
    mounts: [
      { from: LAYOUT.dynamic, at: INSIDE.dynamic, write: false },
      { from: LAYOUT.acme, at: INSIDE.acme, write: true },
    ],
    memory: 512 * 1024 ** 2,
    pids: 256,
  };
}
