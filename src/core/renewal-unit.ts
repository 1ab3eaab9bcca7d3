/** What systemd needs to call `hostctl tls renew`, and the line for those who have only cron. */

const FOLDER = '/etc/systemd/system';

/** Absolute paths of the two units. */
export function unitPaths(instance: string): { readonly service: string; readonly timer: string } {
  return { service: `${FOLDER}/hostctl-${instance}-renew.service`, timer: `${FOLDER}/hostctl-${instance}-renew.timer` };
}

/** @param argv how hostctl is called on this machine, with its workspace */
export function serviceUnit(argv: readonly string[]): string {
  return `# Written by hostctl setup.
[Unit]
Description=Renew the certificates of hostctl's sites
Wants=network-online.target
After=network-online.target docker.service

[Service]
Type=oneshot
ExecStart=${[...argv, 'tls', 'renew'].map(quoteUnit).join(' ')}
`;
}

/** Twice a day, as certificate authorities ask for; not at the same minute everywhere. */
export function timerUnit(): string {
  return `# Written by hostctl setup.
[Unit]
Description=Renew the certificates of hostctl's sites twice a day

[Timer]
OnCalendar=*-*-* 03,15:17:00
RandomizedDelaySec=1h
Persistent=true

[Install]
WantedBy=timers.target
`;
}

/** For `/etc/cron.d`. */
export function cronLine(argv: readonly string[]): string {
  return `17 3,15 * * * root ${[...argv, 'tls', 'renew'].map(quoteShell).join(' ')}`;
}

function quoteUnit(word: string): string {
  // systemd expands % and $ even inside quotes.
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$')}"`;
}

function quoteShell(word: string): string {
  // A percent sign ends a command in a crontab.
  return /^[A-Za-z0-9._/@+:=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`).replaceAll('%', '\\%')}'`;
}
