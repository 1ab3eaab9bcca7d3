// Writes what is made from the code: oclif.manifest.json, docs/schema/, and the marked parts of docs/commands.md and
// docs/definition.md. With --check it writes nothing and fails when one of them is stale.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildHostctl } from './build.js';

const BIN = fileURLToPath(new URL('hostctl.js', import.meta.url));
const MANIFEST = 'oclif.manifest.json';

const hostctl = (...args) => execFileSync(process.execPath, [BIN, ...args], { encoding: 'utf8' });

/** oclif writes its manifest in place; what was there comes back, so that a check changes nothing. */
function makeManifest() {
  const before = read(MANIFEST);
  rmSync(MANIFEST, { force: true });
  try {
    execFileSync('node_modules/.bin/oclif', ['manifest'], { stdio: ['ignore', 'ignore', 'inherit'] });
    const { commands, ...rest } = JSON.parse(readFileSync(MANIFEST, 'utf8'));
    // oclif finds those in folders in the order the disk answers.
    const sorted = Object.entries(commands).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return JSON.stringify({ commands: Object.fromEntries(sorted), ...rest }, undefined, 2);
  } finally {
    if (before !== undefined) writeFileSync(MANIFEST, before);
  }
}

function commandReference(commands) {
  return Object.values(commands).map(commandSection).join('\n');
}

/** What a command is for, how it is called, its flags, examples. */
function commandSection(command) {
  const args = Object.values(command.args);
  const flags = Object.values(command.flags).filter((flag) => flag.helpGroup !== 'GLOBAL');
  const words = args.map((arg) => (arg.required ? arg.name.toUpperCase() : `[${arg.name.toUpperCase()}]`));
  const name = command.id.replaceAll(':', ' ');
  const usage = command.usage ?? `${[name, ...words].join(' ')}${command.strict === false ? '...' : ''}`;
  const rows = [
    ...args.map((arg) => [
      arg.name.toUpperCase(),
      `${arg.description}${arg.options ? ` One of ${arg.options.join(', ')}.` : ''}`,
    ]),
    ...flags.map((flag) => [flagText(flag), flag.description]),
  ];
  const table = rows.map(([name, text]) => `| \`${name}\` | ${text} |\n`).join('');
  const examples = command.examples.map((example) => example.replaceAll('<%= config.bin %>', 'hostctl'));
  return [
    `## ${name}\n`,
    command.description ? `${command.summary} ${command.description}\n` : `${command.summary}\n`,
    `\`\`\`\nhostctl ${usage}\n\`\`\`\n`,
    ...(table === '' ? [] : [`| | |\n| --- | --- |\n${table}`]),
    `\`\`\`sh\n${examples.join('\n')}\n\`\`\`\n`,
  ].join('\n');
}

function flagText(flag) {
  const value = flag.type === 'option' ? ` ${flag.helpValue ?? 'VALUE'}` : '';
  return `${flag.char ? `-${flag.char}, ` : ''}--${flag.name}${value}`;
}

/** One table per level of a JSON Schema. */
function schemaReference(schema) {
  const levels = [{ node: schema, path: '' }];
  let text = '';
  while (levels.length > 0) {
    const { node, path } = levels.shift();
    if (path !== '') text += `\n### \`${path}\`\n\n${node.description ?? ''}\n`;
    text += '\n| key | value | meaning |\n| --- | --- | --- |\n';
    for (const [key, value] of Object.entries(node.properties)) {
      const required = node.required?.includes(key) ? ' **Required.**' : '';
      text += `| \`${key}\` | ${typeOf(value)} | ${value.description ?? ''}${required} |\n`;
      const inner = shapeOf(value);
      if (inner) levels.push({ node: inner, path: `${path}${path === '' ? '' : '.'}${key}${suffix(value)}` });
    }
  }
  return text;
}

/** The mapping a value is made of, if it is one. */
function shapeOf(value) {
  const candidates = [value, ...(value.anyOf ?? []), value.additionalProperties, value.items].filter(Boolean);
  const found = candidates.find((candidate) => candidate.properties);
  return found ?? (value.additionalProperties?.anyOf ?? []).find((candidate) => candidate.properties);
}

function suffix(value) {
  if (value.items) return '[]';
  return value.additionalProperties ? '.NAME' : '';
}

function typeOf(value) {
  if (Object.keys(value).every((key) => key === 'description')) return 'anything';
  if (value.enum) return value.enum.map((item) => `\`${item}\``).join(', ');
  if (value.anyOf) return [...new Set(value.anyOf.map(typeOf))].join(' or ');
  if (value.type === 'array') return `list of ${typeOf(value.items)}`;
  if (value.type === 'object') return value.properties ? 'mapping' : `names → ${typeOf(value.additionalProperties)}`;
  return { string: 'text', integer: 'whole number', number: 'number', boolean: '`true` or `false`' }[value.type];
}

/** Replaces what stands between `<!-- generated:NAME -->` and `<!-- /generated -->`. */
function fillMarks(path, parts) {
  return readFileSync(path, 'utf8').replaceAll(
    /(<!-- generated:(\w+) -->\n)[\s\S]*?(<!-- \/generated -->)/g,
    (_, open, name, close) => `${open}${parts[name]}\n${close}`,
  );
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Returns the files that are not as they should be; writes them unless it only checks. */
export async function generate(checkOnly) {
  process.chdir(fileURLToPath(new URL('..', import.meta.url)));
  await buildHostctl();
  const manifest = makeManifest();
  if (!checkOnly) writeFileSync(MANIFEST, manifest);
  const project = hostctl('schema', 'project');
  const workspace = hostctl('schema', 'workspace');
  const wanted = {
    [MANIFEST]: manifest,
    'docs/schema/project.schema.json': project,
    'docs/schema/workspace.schema.json': workspace,
    'docs/commands.md': fillMarks('docs/commands.md', { commands: commandReference(JSON.parse(manifest).commands) }),
    'docs/definition.md': fillMarks('docs/definition.md', {
      project: schemaReference(JSON.parse(project)),
      workspace: schemaReference(JSON.parse(workspace)),
    }),
  };
  const stale = Object.entries(wanted).filter(([path, text]) => read(path) !== text);
  if (!checkOnly) for (const [path, text] of stale) writeFileSync(path, text);
  return stale.map(([path]) => path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const checkOnly = process.argv.includes('--check');
  const stale = await generate(checkOnly);
  if (stale.length === 0) console.log('generated files are up to date');
  else if (checkOnly) {
    console.error(`stale: ${stale.join(', ')}\nrun "npm run generate" and commit what it writes`);
    process.exitCode = 1;
  } else console.log(`wrote ${stale.join(', ')}`);
}
