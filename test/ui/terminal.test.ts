import { PassThrough } from 'node:stream';
import { beforeEach, expect, test, vi } from 'vitest';
import { TerminalUi } from '../../src/ui/terminal.ts';

const RAW = { isTTY: true, setRawMode: (): void => undefined };
let input: PassThrough & typeof RAW;
let err: PassThrough & { isTTY: boolean };
const interrupt = vi.fn<() => void>();
const terminal = (): TerminalUi => new TerminalUi({ err, input, color: false, verbose: false, interrupt });

beforeEach(() => {
  input = Object.assign(new PassThrough(), RAW);
  err = Object.assign(new PassThrough(), { isTTY: true });
  interrupt.mockReset();
});

test('an answer is taken, and a second question gets its own', async () => {
  const ui = terminal();
  const first = ui.confirm('Go on?', '--yes');
  input.write('y\r');
  expect(await first).toBe(true);
  const second = ui.ask('Name:', '--name');
  input.write(' shop \r');
  expect(await second).toBe('shop');
  expect(String(err.read())).toContain('Go on? [y/N] ');
  expect(interrupt).not.toHaveBeenCalled();
});

test('a hidden answer is asked for once the terminal no longer shows what is typed', async () => {
  const order: string[] = [];
  input.setRawMode = () => void order.push('raw');
  err.on('data', (chunk: Buffer) => order.push(chunk.toString()));
  const answer = terminal().askHidden('Value:', 'standard input');
  input.write('hunter2\r');
  expect(await answer).toBe('hunter2');
  await vi.waitFor(() => expect(order).toEqual(['raw', 'Value: ', 'raw', '\n']));
});

test('Ctrl-D is no answer: nothing is done', async () => {
  const answer = terminal().confirm('Go on?', '--yes');
  input.write('\u0004');
  await expect(answer).rejects.toMatchObject({ code: 'CANCELLED', exit: 1 });
});

test('Ctrl-C interrupts, and is not reported as anything else', async () => {
  const settled = vi.fn<() => void>();
  terminal().confirm('Go on?', '--yes').then(settled, settled);
  input.write('\u0003');
  await vi.waitFor(() => expect(interrupt).toHaveBeenCalledOnce());
  await new Promise((resolve) => setImmediate(resolve));
  expect(settled).not.toHaveBeenCalled();
});

test('where there is no terminal nobody is asked', async () => {
  input.isTTY = false;
  await expect(terminal().confirm('Go on?', '--yes')).rejects.toMatchObject({
    code: 'NOT_ASKED',
    hints: ['add --yes'],
  });
});
