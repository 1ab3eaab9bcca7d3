/** Every command, for "did you mean" and shell completion; a test compares it with `src/commands/`. */
export const commandNames = [
  'completion', 'deploy', 'doctor', 'exec', 'init', 'logs', 'plan', 'releases', 'remove', 'render', 'restart',
  'rollback', 'schema', 'setup', 'start', 'status', 'stop', 'validate',
] as const;
