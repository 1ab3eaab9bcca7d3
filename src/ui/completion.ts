export interface CommandWords {
  /** One word, or two: `import apache`. */
  readonly name: string;
  readonly summary: string;
  /** With their hyphens. */
  readonly flags: readonly string[];
}

/** Commands whose first word is a project: those of the workspace are offered, by the names of their files. */
const TAKES_PROJECT = [
  'deploy',
  'exec',
  'logs',
  'plan',
  'releases',
  'remove',
  'restart',
  'rollback',
  'start',
  'status',
  'stop',
  'validate',
];

/** The workspace is found as commands find it: named by HOSTCTL_WORKSPACE, or the nearest from here upwards. */
const PROJECTS = `d=\${HOSTCTL_WORKSPACE:-}; if [ -z "$d" ]; then d=$PWD; while [ "$d" != / ] && [ ! -f "$d/hostctl.yaml" ]; do d=$(dirname "$d"); done; fi; ls "$d/projects" 2>/dev/null | sed -n 's/\\.ya\\{0,1\\}ml$//p'`;

export function completionScript(shell: 'bash' | 'zsh' | 'fish', commands: readonly CommandWords[]): string {
  return { bash, zsh, fish }[shell](firstWords(commands), secondWords(commands));
}

/** Commands by their first word; one of several words has the flags of all that begin with it. */
function firstWords(commands: readonly CommandWords[]): CommandWords[] {
  const names = [...new Set(commands.map(({ name }) => name.split(' ')[0]!))];
  return names.map((name) => {
    const own = commands.filter((item) => item.name.split(' ')[0] === name);
    return { name, summary: own[0]!.summary, flags: [...new Set(own.flatMap(({ flags }) => flags))] };
  });
}

/** First word → the words that may follow it. */
function secondWords(commands: readonly CommandWords[]): [string, string[]][] {
  const pairs = commands.map(({ name }) => name.split(' ')).filter((words) => words.length === 2);
  const firsts = [...new Set(pairs.map(([first]) => first!))];
  return firsts.map((first) => [first, pairs.filter((pair) => pair[0] === first).map((pair) => pair[1]!)]);
}

function bash(commands: readonly CommandWords[], second: readonly [string, readonly string[]][]): string {
  const flags = commands.map((item) => `    ${item.name}) flags="${item.flags.join(' ')}" ;;`).join('\n');
  const words = second.map(
    ([first, next]) => `
         ${first}) if [ "$COMP_CWORD" = 2 ]; then COMPREPLY=($(compgen -W "${next.join(' ')}" -- "$word"))
           else COMPREPLY=($(compgen -f -- "$word")); fi ;;`,
  );
  return `# hostctl completion for bash
_hostctl_projects() { local d; ${PROJECTS}; }
_hostctl() {
  local word="\${COMP_WORDS[COMP_CWORD]}" command="\${COMP_WORDS[1]}" flags=""
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map((item) => item.name).join(' ')}" -- "$word"))
    return
  fi
  case "$command" in
${flags}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) case "$command" in
         ${TAKES_PROJECT.join('|')}) COMPREPLY=($(compgen -W "$(_hostctl_projects)" -- "$word")) ;;${words.join('')}
       esac ;;
  esac
}
complete -F _hostctl hostctl
`;
}

function zsh(commands: readonly CommandWords[], second: readonly [string, readonly string[]][]): string {
  const described = commands.map((item) => `    '${item.name}:${item.summary.replaceAll("'", '')}'`).join('\n');
  const flags = commands.map((item) => `      ${item.name}) compadd -- ${item.flags.join(' ')} ;;`).join('\n');
  const words = second.map(
    ([first, next]) => `
    ${first}) if (( CURRENT == 3 )); then compadd -- ${next.join(' ')}; else _files; fi ;;`,
  );
  return `#compdef hostctl
# hostctl completion for zsh
_hostctl_projects() { local d; ${PROJECTS} }
_hostctl() {
  local -a commands
  commands=(
${described}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  if [[ $words[CURRENT] == -* ]]; then
    case $words[2] in
${flags}
    esac
    return
  fi
  case $words[2] in
    ${TAKES_PROJECT.join('|')}) compadd -- \${(f)"$(_hostctl_projects)"} ;;${words.join('')}
  esac
}
compdef _hostctl hostctl
`;
}

function fish(commands: readonly CommandWords[], second: readonly [string, readonly string[]][]): string {
  const lines = commands.flatMap((item) => [
    `complete -c hostctl -n __fish_use_subcommand -a ${item.name} -d '${item.summary.replaceAll("'", '')}'`,
    ...item.flags.map(
      (flag) => `complete -c hostctl -n '__fish_seen_subcommand_from ${item.name}' -l ${flag.slice(2)}`,
    ),
  ]);
  const words = second.map(
    ([first, next]) =>
      `complete -c hostctl -n '__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${next.join(' ')}' -a '${next.join(' ')}'
complete -c hostctl -n '__fish_seen_subcommand_from ${next.join(' ')}' -F`,
  );
  return `# hostctl completion for fish
function __hostctl_projects
  sh -c '${PROJECTS.replaceAll("'", `'\\''`)}'
end
complete -c hostctl -f
${[...lines, ...words].join('\n')}
complete -c hostctl -n '__fish_seen_subcommand_from ${TAKES_PROJECT.join(' ')}' -a '(__hostctl_projects)'
`;
}
