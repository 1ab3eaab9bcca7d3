import { below, here, named, runs, settle, type Site, type Spot } from './site.ts';

const words = (text: string): string[] => text.trim().split(/\s+/);
const table = (
  status: 'dropped' | 'implied',
  note: string,
  names: string,
): [string, readonly ['dropped' | 'implied', string]][] => words(names).map((name) => [name, [status, note]]);

/** Directives that need no key, with the reason. */
const KNOWN = new Map([
  ...table(
    'dropped',
    'hostctl logs and docker logs have it',
    'errorlog customlog transferlog loglevel logformat errorlogformat scriptlog cookielog forensiclog globallog',
  ),
  ...table('dropped', 'stood on error pages only', 'serveradmin serversignature servertokens contentdigest'),
  ...table(
    'dropped',
    'the proxy keeps connections by itself',
    'keepalive keepalivetimeout maxkeepaliverequests requestreadtimeout listenbacklog sendbuffersize receivebuffersize acceptfilter',
  ),
  ...table(
    'dropped',
    'TLS is as Mozilla advises (intermediate)',
    'sslprotocol sslciphersuite sslhonorcipherorder sslcompression sslsessiontickets sslsessioncache sslsessioncachetimeout sslusestapling sslstaplingcache sslstaplingrespondertimeout sslstaplingreturnrespondererrors sslopensslconfcmd sslstrictsnivhostcheck sslrandomseed sslmutex sslpassphrasedialog ssloptions sslinsecurerenegotiation sslcryptodevice sslfips sslproxyengine sslproxyverify sslproxycheckpeername sslproxycheckpeercn sslproxycheckpeerexpire protocols http2direct h2push',
  ),
  ...table(
    'dropped',
    'of the Apache server itself',
    'loadmodule loadfile pidfile lockfile mutex user group startservers minspareservers maxspareservers minsparethreads maxsparethreads threadsperchild threadlimit serverlimit maxclients maxrequestworkers maxrequestsperchild maxconnectionsperchild acceptmutex scoreboardfile coredumpdirectory hostnamelookups usecanonicalphysicalport traceenable extendedstatus enablesendfile enablemmap defaultruntimedir chrootdir serverpath scriptsock identitycheck gracefulshutdowntimeout threadstacksize assignuserid suexecusergroup rlimitmem rlimitcpu rlimitnproc',
  ),
  ...table('implied', 'ports are in hostctl.yaml', 'listen namevirtualhost port bindaddress'),
  ...table('implied', 'apps get the hostname that was asked for', 'usecanonicalname'),
  ...table(
    'dropped',
    'the proxy knows the types of files',
    'addtype defaulttype typesconfig addcharset adddefaultcharset addencoding addlanguage languagepriority forcelanguagepriority defaultlanguage removetype removehandler removeencoding mimemagicfile fileetag modmimeusepathinfo addicon addiconbytype addiconbyencoding defaulticon adddescription readmename headername indexignore indexoptions indexorderdefault indexstylesheet directoryslash checkspelling cachedisable imapdefault metadir',
  ),
  ...table(
    'dropped',
    'only chose what is compressed, and how much',
    'deflatecompressionlevel deflatememlevel deflatewindowsize deflatebuffersize deflatefilternote filterdeclare filterprovider filterchain filterprotocol',
  ),
  ...table(
    'dropped',
    'an app has one interpreter of its own',
    'wsgiapplicationgroup wsgisocketprefix wsgiimportscript wsgirestrictembedded wsgilazyinitialization wsgiscriptreloading wsgireloadmechanism wsgirestrictstdin wsgirestrictstdout wsgirestrictsignal wsgiacceptmutex wsgichunkedrequest wsgienablesendfile wsgicasesensitivity wsgipy3kwarningflag wsgidestroyinterpreter wsgidaemonprocesslimit wsgisocketrotation wsgimapheadtoget wsgiignoreactivity wsgitrustedproxyheaders wsgitrustedproxies',
  ),
  ...table(
    'dropped',
    'of requests on the way in, where the proxy has limits of its own',
    'limitrequestfields limitrequestfieldsize limitrequestline limitxmlrequestbody limitinternalrecursion httpprotocoloptions allowencodedslashes acceptpathinfo mergeslashes',
  ),
  ...table('dropped', 'chose among names of files', 'multiviewsmatch'),
  ...table(
    'implied',
    'addresses come from the proxy, which believes nobody else',
    'remoteipheader remoteipinternalproxy remoteiptrustedproxy remoteipproxyprotocol rpafenable rpafsethostname rpafproxyips rpafheader rpafproxy_ips rpafsethttps rpafsetport',
  ),
]);

/** Everything that needs no key; nothing here is about who may see what. */
export function mapHarmless(site: Site): void {
  for (const spot of site.spots) {
    const { directive } = spot;
    if (site.ledger.has(directive)) continue;
    const known = KNOWN.get(directive.name);
    if (known) settle(site, spot, ...known);
    else if (directive.name === 'options') mapOptions(site, spot);
    else if (directive.name === 'allowoverride' || directive.name === 'allowoverridelist') mapOverride(site, spot);
    else if (directive.name === 'sethandler' || directive.name === 'addhandler') mapHandler(site, spot);
    else if (directive.name === 'userdir') userDir(site, spot);
    else if (directive.name === 'directoryindex' || directive.name === 'fallbackresource') mapIndex(site, spot);
    else if (directive.name.startsWith('auth')) {
      settle(site, spot, 'unsupported', 'hostctl knows users from an htpasswd file only');
    } else if (directive.name.startsWith('{%')) {
      settle(site, spot, 'unsupported', 'a line of a template: make the file it is for first');
    } else if (directive.name.startsWith('sec'))
      settle(site, spot, 'unsupported', 'hostctl has no web application firewall');
  }
  for (const directive of site.daemons.values()) {
    if (site.spots.some((spot) => spot.directive === directive))
      site.ledger.settle(directive, 'implied', 'no app of this import runs in it');
  }
  mapSections(site);
}

function userDir(site: Site, spot: Spot): void {
  const off = /^disabled?$/i.test(spot.directive.args[0] ?? '');
  settle(site, spot, off ? 'implied' : 'unsupported', off ? 'there are none' : 'hostctl serves no home directories');
}

/** Pages of folders: index.html and index.php are what the runtimes take. */
function mapIndex(site: Site, spot: Spot): void {
  const [first = ''] = spot.directive.args;
  const runtimes = new Set(Object.values(site.definition.apps).map(({ runtime }) => runtime));
  const fallback = spot.directive.name === 'fallbackresource';
  if (/^\/?index\.php$/.test(first) && runtimes.has('php')) return settle(site, spot, 'implied', 'runtime: php');
  if (/^disabled$/i.test(first) || (!fallback && !runtimes.has('static'))) {
    return settle(site, spot, 'dropped', 'no folder is served but the media');
  }
  if (!fallback && first === 'index.html') return settle(site, spot, 'implied', 'runtime: static');
  settle(site, spot, 'decide', 'runtime: static answers a folder with its index.html, and nothing else');
}

function mapOptions(site: Site, spot: Spot): void {
  const risky = spot.directive.args.find((word) => /^\+?(?:Includes|IncludesNOEXEC)$/i.test(word));
  if (risky !== undefined) return settle(site, spot, 'unsupported', 'hostctl has no server-side includes');
  const listing = spot.directive.args.some((word) => /^\+?Indexes$/i.test(word));
  const links = spot.directive.args.some((word) => /^\+?(?:FollowSymLinks|SymLinksIfOwnerMatch|All)$/i.test(word));
  const notes = [
    ...(listing ? ['folders are never listed'] : []),
    ...(links ? ['symbolic links are never followed'] : []),
  ];
  settle(site, spot, 'dropped', notes.length > 0 ? notes.join(', ') : 'as it is here by itself');
}

/** `.htaccess` files may hold anything, rules of access too. */
function mapOverride(site: Site, spot: Spot): void {
  const scope = spot.scopes.findLast(({ kind }) => kind === 'directory');
  if (/^none$/i.test(spot.directive.args[0] ?? ''))
    return settle(site, spot, 'implied', 'there are no .htaccess files here');
  const folders = site.targets
    .filter(
      (target) =>
        !runs(target) &&
        scope !== undefined &&
        !scope.regex &&
        (below(target.path, scope.pattern) || below(scope.pattern, target.path)),
    )
    .map(({ path }) => (scope && below(scope.pattern, path) ? scope.pattern : path));
  if (folders.length === 0) return settle(site, spot, 'implied', 'hostctl serves nothing from there');
  const unseen = folders.filter((folder) => site.look.kind(here(site, folder)) === undefined);
  const found = folders.filter((folder) => site.look.kind(`${here(site, folder)}/.htaccess`) === 'file');
  if (found.length > 0)
    settle(
      site,
      spot,
      'decide',
      `import ${found.map((folder) => `${folder}/.htaccess`).join(', ')} by hand: hostctl reads no such files`,
    );
  else if (unseen.length > 0)
    settle(
      site,
      spot,
      'decide',
      `is there a .htaccess below ${unseen.join(', ')}? hostctl reads none, whatever rules it holds`,
    );
  else settle(site, spot, 'dropped', 'there is no .htaccess at the top of the folder');
}

function mapHandler(site: Site, spot: Spot): void {
  const [handler = ''] = spot.directive.args;
  if (/^(?:none|default-handler)$/i.test(handler)) return mapStatic(site, spot);
  if (/wsgi-script/.test(spot.directive.raw)) return settle(site, spot, 'implied', 'the app of the script');
  if (/^server-(?:status|info)$|^ldap-status$|^balancer-manager$/.test(handler)) {
    return settle(site, spot, 'dropped', 'hostctl status has it');
  }
  if (/type-map/.test(spot.directive.raw)) return settle(site, spot, 'dropped', 'only chose among languages');
  settle(site, spot, 'unsupported', `hostctl has no handler ${handler}`);
}

/** `SetHandler None` took a path away from the app around it. */
function mapStatic(site: Site, spot: Spot): void {
  const scope = spot.scopes.findLast(({ kind }) => kind === 'location');
  if (!scope || scope.regex) {
    return settle(site, spot, 'decide', 'files of the DocumentRoot, by their names: list their folders under `media`');
  }
  const covered = Object.keys(site.definition.media).some((alias) => below(scope.pattern, alias));
  const root = named(site, 'documentroot')[0]?.directive.args[0];
  if (!covered && root === undefined)
    return settle(site, spot, 'decide', `which folder is ${scope.pattern}? Write it under \`media\``);
  if (!covered) site.definition.media[scope.pattern] = { from: `${root!}${scope.pattern}` };
  settle(
    site,
    spot,
    covered ? 'implied' : 'mapped',
    covered ? 'media wins over apps' : `media ${scope.pattern}: of the DocumentRoot`,
  );
}

/** Sections are what is in them; those about conditions of a request have no equal. */
function mapSections(site: Site): void {
  for (const { directive } of site.spots) {
    if (!directive.body || site.ledger.has(directive)) continue;
    const condition = /^(?:if|elseif|else)$/.test(directive.name);
    if (condition) site.ledger.settleAll(directive, 'unsupported', 'a condition on the request: hostctl has none');
    else if (KNOWN_SECTIONS.has(directive.name)) site.ledger.settle(directive, 'implied', 'its lines, each for itself');
  }
}

const KNOWN_SECTIONS = new Set(
  words('location locationmatch directory directorymatch files filesmatch limit limitexcept proxy proxymatch'),
);
