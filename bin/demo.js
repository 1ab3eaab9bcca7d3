// npm run demo: four real sites on this machine, from docs/examples. With --down it takes them away again.
import { request } from 'node:http';
import { ensureBuilt, ensurePackages, fail, HOSTCTL, hostctl, requireRoot, ROOT, run, say } from './bare.js';

const WORKSPACE = `${ROOT}/docs/examples`;
const PORT = 8080;

/** What every site is asked for in the end: a page of its app, and a file the proxy serves. */
const VISITS = [
  ['www.projectname.org', '/', 'Django, over a unix socket'],
  ['www.projectname.org', '/media/attachments/hello.txt', 'uploaded through the app just now'],
  ['www.projectname.org', '/admin_media/css/base.css', "Django's admin, from the image"],
  ['fooprojectname.org', '/media/welcome.txt', 'the glob *projectname.org'],
  ['www.node-site.org', '/', 'Node with a package from npm'],
  ['www.node-site.org', '/robots.txt', 'a single file'],
  ['www.static-site.org', '/', 'static pages'],
  ['www.static-site.org', '/downloads/hello.txt', 'a folder'],
  ['www.tcp-site.org', '/', 'a plain Dockerfile, over TCP'],
  ['www.tcp-site.org', '/files/hello.txt', 'a folder'],
];

function ask(host, path, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: PORT, path, method, headers: { Host: host, ...headers }, agent: false };
    const outgoing = request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Fills in the form of the Django site, file included, as a visitor would. */
async function upload() {
  const host = 'www.projectname.org';
  const form = await ask(host, '/');
  const token = /name="csrfmiddlewaretoken" value="(\w+)"/.exec(form.text)?.[1];
  const cookie = form.headers['set-cookie']?.[0].split(';')[0];
  if (!token || !cookie) fail(`the Django site answered ${form.status} without its form`);
  const field = (name, value, more = '') =>
    `--demo\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
  const body = `${field('csrfmiddlewaretoken', token)}${field('text', 'Hello from the demo')}${field('attachment', 'uploaded by the demo\n', '; filename="hello.txt"')}--demo--\r\n`;
  const headers = {
    'Content-Type': 'multipart/form-data; boundary=demo',
    'Content-Length': Buffer.byteLength(body),
    Cookie: cookie,
  };
  // A file of that name from an earlier demo would make Django choose another one.
  if ((await ask(host, '/media/attachments/hello.txt')).status === 200) return;
  const { status } = await ask(host, '/', { method: 'POST', headers, body });
  if (status !== 302) fail(`the upload was answered with ${status}`);
}

async function visitAll() {
  const rows = [];
  for (const [host, path, what] of VISITS) {
    const { status, text } = await ask(host, path);
    rows.push({ url: `http://${host}${path}`, status, bytes: Buffer.byteLength(text), what });
  }
  console.table(rows);
  const bad = rows.filter((row) => row.status !== 200);
  if (bad.length > 0) fail(`${bad.length} of ${rows.length} did not answer with 200`);
}

function down() {
  say('taking the demo away, data included');
  const { projects } = JSON.parse(hostctl(WORKSPACE, 'validate', '--json'));
  const { apps } = JSON.parse(hostctl(WORKSPACE, 'status', '--json'));
  const deployed = projects.filter((name) => apps.some((app) => app.project === name));
  for (const name of deployed) {
    run(process.execPath, [HOSTCTL, 'remove', name, '--purge', '--confirm', name, '--workspace', WORKSPACE]);
  }
  run(process.execPath, [HOSTCTL, 'setup', '--undo', '--yes', '--workspace', WORKSPACE]);
}

requireRoot('npm run demo');
ensurePackages();
await ensureBuilt();
if (process.argv.includes('--down')) down();
else {
  say('hostctl setup --yes: Docker Engine where it is missing, base images, the proxy');
  run(process.execPath, [HOSTCTL, 'setup', '--yes', '--workspace', WORKSPACE]);
  say('hostctl deploy --all: the four sites of docs/examples');
  run(process.execPath, [HOSTCTL, 'deploy', '--all', '--workspace', WORKSPACE]);
  say('asking each site for a page and a file, through the proxy');
  await upload();
  await visitAll();
  run(process.execPath, [HOSTCTL, 'status', '--workspace', WORKSPACE]);
  say(
    `open http://projectname.localhost:${PORT}, http://node-site.localhost:${PORT}, http://static-site.localhost:${PORT} or http://tcp-site.localhost:${PORT}`,
  );
  console.log(`    curl -H 'Host: www.projectname.org' http://127.0.0.1:${PORT}/`);
  console.log('    npm run demo -- --down takes everything away again');
}
