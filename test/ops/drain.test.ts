import { expect, test } from 'vitest';
import { connectedTcp, connectedUnix } from '../../src/ops/drain.ts';

test('accepted connections of a unix socket are counted, its listener is not', () => {
  const table = `Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 41000 /run/hostctl/blog-web-1.sock
0000000000000000: 00000003 00000000 00000000 0001 03 41001 /run/hostctl/blog-web-1.sock
0000000000000000: 00000003 00000000 00000000 0001 03 41002
0000000000000000: 00000003 00000000 00000000 0001 03 41003 /run/hostctl/blog-web-1.sock`;
  expect(connectedUnix(table, '/run/hostctl/blog-web-1.sock')).toBe(2);
});

test('established connections to one address and port are counted', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 19999        0 1 1 0 100 0 0 10 0
   1: 020DD50A:9C40 030DD50A:1F40 01 00000000:00000000 00:00000000 00000000 19999        0 2 1 0 20 4 0 10 -1
   2: 020DD50A:9C41 030DD50A:1F41 01 00000000:00000000 00:00000000 00000000 19999        0 3 1 0 20 4 0 10 -1
   3: 020DD50A:9C42 040DD50A:1F40 01 00000000:00000000 00:00000000 00000000 19999        0 4 1 0 20 4 0 10 -1
   4: 020DD50A:9C43 030DD50A:1F40 06 00000000:00000000 00:00000000 00000000 19999        0 5 1 0 20 4 0 10 -1`;
  expect(connectedTcp(table, ['10.213.13.3'], 8000)).toBe(1);
});
