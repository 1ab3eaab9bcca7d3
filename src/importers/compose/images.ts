/** What is known of images that many Compose files name. */

export interface KnownImage {
  /** The port it answers on when nobody says otherwise. */
  readonly port?: number;
  /** `store`: visitors never ask it. `pages`: a server of files. `edge`: a proxy for other containers. `tool`: looks into stores. */
  readonly kind?: 'store' | 'pages' | 'edge' | 'tool';
  /** Where its data lie. */
  readonly data?: readonly string[];
  /** Folders it writes to besides; its root file system is read-only here. */
  readonly writable?: readonly string[];
  /** Where files to serve lie. */
  readonly pages?: string;
  /** Why it cannot run as it is. */
  readonly trouble?: string;
}

const APACHE = ['/var/run/apache2', '/var/lock/apache2'];
const FASTCGI = 'it speaks FastCGI, and apps are asked over http: take the image without -fpm, or runtime: php';
const ROOT = 'it starts as root, which no app of hostctl is';

/** The first that fits counts: the repository without its registry, then its tag. */
const IMAGES: readonly (readonly [name: RegExp, known: KnownImage])[] = [
  [/^(?:traefik|traefik\/traefik)$/, { kind: 'edge' }],
  [/(?:^|\/)(?:nginx-proxy|acme-companion|letsencrypt-nginx-proxy-companion|docker-gen)$/, { kind: 'edge' }],
  [/(?:^|\/)(?:caddy-docker-proxy|docker-socket-proxy|https-portal|nginx-proxy-manager)$/, { kind: 'edge' }],
  [/^(?:certbot\/|dns-)?certbot$|^certbot\//, { kind: 'edge' }],
  [
    /(?:^|\/)(?:postgres|postgis|timescaledb|pgvector)$/,
    {
      kind: 'store',
      port: 5432,
      data: ['/var/lib/postgresql/data', '/var/lib/postgresql'],
      writable: ['/var/run/postgresql'],
    },
  ],
  [
    /(?:^|\/)(?:mysql|mysql-server)$/,
    { kind: 'store', port: 3306, data: ['/var/lib/mysql'], writable: ['/var/run/mysqld'] },
  ],
  [/(?:^|\/)mariadb$/, { kind: 'store', port: 3306, data: ['/var/lib/mysql'], writable: ['/run/mysqld'] }],
  [/(?:^|\/)(?:redis|valkey|keydb|redis-stack-server)$/, { kind: 'store', port: 6379, data: ['/data'] }],
  [/(?:^|\/)mongo$/, { kind: 'store', port: 27_017, data: ['/data/db'], writable: ['/data/configdb'] }],
  [/(?:^|\/)memcached$/, { kind: 'store', port: 11_211 }],
  [/(?:^|\/)rabbitmq$/, { kind: 'store', port: 5672, data: ['/var/lib/rabbitmq'] }],
  [
    /(?:^|\/)clickhouse-server$/,
    { kind: 'store', port: 8123, data: ['/var/lib/clickhouse'], writable: ['/var/log/clickhouse-server'] },
  ],
  [/(?:^|\/)(?:elasticsearch|opensearch)$/, { kind: 'store', port: 9200, data: ['/usr/share/elasticsearch/data'] }],
  [/(?:^|\/)meilisearch$/, { kind: 'store', port: 7700, data: ['/meili_data'] }],
  [
    /^nginx$|^nginxinc\/nginx-unprivileged$/,
    { kind: 'pages', port: 80, pages: '/usr/share/nginx/html', writable: ['/var/cache/nginx', '/var/run'] },
  ],
  [/^httpd$/, { kind: 'pages', port: 80, pages: '/usr/local/apache2/htdocs', writable: ['/usr/local/apache2/logs'] }],
  [/^caddy$/, { kind: 'pages', port: 80, pages: '/usr/share/caddy', data: ['/data', '/config'] }],
  [/^haproxy$/, { kind: 'pages', port: 80 }],
  [/^(?:wordpress|nextcloud|drupal|joomla|matomo|php):.*fpm/, { port: 9000, trouble: FASTCGI }],
  [/^(?:wordpress|nextcloud|drupal|joomla|matomo)$/, { port: 80, data: ['/var/www/html'], writable: APACHE }],
  [/^phpmyadmin(?:\/phpmyadmin)?$/, { kind: 'tool', port: 80, writable: APACHE }],
  [/^adminer$/, { kind: 'tool', port: 8080 }],
  [/(?:^|\/)(?:mongo-express|redis-commander|redisinsight)$/, { kind: 'tool', port: 8081 }],
  [/(?:^|\/)pgadmin4$/, { kind: 'tool', port: 80, data: ['/var/lib/pgadmin'] }],
  [/^ghost$/, { port: 2368, data: ['/var/lib/ghost/content'] }],
  [/(?:^|\/)(?:gitea|forgejo):.*rootless/, { port: 3000, data: ['/var/lib/gitea', '/etc/gitea'] }],
  [
    /^gitea$|(?:^|\/)(?:gitea\/gitea|forgejo\/forgejo)$/,
    {
      port: 3000,
      data: ['/data'],
      trouble: `${ROOT}: the tags that end in -rootless do without, with /var/lib/gitea and /etc/gitea as volumes`,
    },
  ],
  [/(?:^|\/)n8n$/, { port: 5678, data: ['/home/node/.n8n'] }],
  [/(?:^|\/)(?:plausible\/analytics|plausible\/community-edition)$/, { port: 8000, data: ['/var/lib/plausible'] }],
  [/(?:^|\/)grafana(?:-oss)?$/, { port: 3000, data: ['/var/lib/grafana'] }],
  [/^vaultwarden\/server$/, { port: 80, data: ['/data'] }],
  [/(?:^|\/)whoami$/, { port: 80 }],
  [/(?:^|\/)uptime-kuma$/, { port: 3001, data: ['/app/data'] }],
  [/(?:^|\/)metabase$/, { port: 3000 }],
  [/(?:^|\/)umami$/, { port: 3000 }],
  [/^directus\/directus$/, { port: 8055, data: ['/directus/uploads', '/directus/database'] }],
  [/(?:^|\/)minio$/, { port: 9000, data: ['/data'] }],
  [
    /(?:^|\/)linuxserver\//,
    { trouble: `${ROOT}: its PUID and PGID need that; take the image of the program's own makers` },
  ],
];

/** @param reference such as `docker.io/library/postgres:16-alpine` */
export function knownImage(reference: string): KnownImage {
  const bare = reference.replace(/@sha256:.*$/, '');
  const path = /^[^/]*[.:][^/]*\/|^localhost\//.test(bare) ? bare.slice(bare.indexOf('/') + 1) : bare;
  const named = path.replace(/^library\//, '');
  const repository = named.replace(/:[^/]*$/, '');
  return IMAGES.find(([name]) => name.test(name.source.includes(':.*') ? named : repository))?.[1] ?? {};
}
