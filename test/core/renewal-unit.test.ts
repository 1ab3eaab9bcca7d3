import { expect, test } from 'vitest';
import { cronLine, serviceUnit, timerUnit, unitPaths } from '../../src/core/renewal-unit.ts';

test('the units are named after the instance', () => {
  expect(unitPaths('shop')).toEqual({
    service: '/etc/systemd/system/hostctl-shop-renew.service',
    timer: '/etc/systemd/system/hostctl-shop-renew.timer',
  });
});

test('the service renews once, when there is a network and an engine', () => {
  expect(serviceUnit(['/usr/bin/node', '/opt/hostctl.js'])).toBe(
    `# Written by hostctl setup.
[Unit]
Description=Renew the certificates of hostctl's sites
Wants=network-online.target
After=network-online.target docker.service

[Service]
Type=oneshot
ExecStart="/usr/bin/node" "/opt/hostctl.js" "tls" "renew"
`,
  );
});

test('the timer does so twice a day', () => {
  const lines = timerUnit().split('\n');
  expect(lines[0]).toBe('# Written by hostctl setup.');
  // After its section, and where systemd looks for it.
  expect(lines.slice(lines.indexOf('[Timer]'), lines.indexOf('[Install]')).join(' ')).toMatch(
    /OnCalendar=\*-\*-\* \d\d,\d\d:\d\d:00 RandomizedDelaySec=\d+h Persistent=true/,
  );
  expect(lines.slice(lines.indexOf('[Install]'))).toEqual(['[Install]', 'WantedBy=timers.target', '']);
});

test.each([
  ['/plain', '"/plain"', '/plain'],
  ['/my sites', '"/my sites"', "'/my sites'"],
  ['a"b', '"a\\"b"', `'a"b'`],
  ['a\\b', '"a\\\\b"', "'a\\b'"],
  ['100%', '"100%%"', "'100\\%'"],
  ['$HOME$', '"$$HOME$$"', "'$HOME$'"],
  ["it's", '"it\'s"', "'it'\\''s'"],
  ['', '""', "''"],
  ['A-Z_a.0/@+:=', '"A-Z_a.0/@+:="', 'A-Z_a.0/@+:='],
  ['ok;x', '"ok;x"', "'ok;x'"],
  [' x', '" x"', "' x'"],
])('the word %j is itself for systemd and for cron', (word, unit, cron) => {
  expect(serviceUnit([word])).toContain(`\nExecStart=${unit} "tls" "renew"\n`);
  expect(cronLine([word])).toBe(`17 3,15 * * * root ${cron} tls renew`);
});
