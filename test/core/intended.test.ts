import { expect, test } from 'vitest';
import { isServerPage, sameType } from '../../src/core/intended.ts';

test.each([
  ['<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html>', true],
  ['<html>\n<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">', false],
  ['<p>x</p><address>Apache/2.4.57</address>', true],
  ['<hr><center>nginx</center>', true],
  ['404 page not found\n', true],
  ['404 page not found', true],
  ['404 page not found here', false],
  ['the words 404 page not found', false],
  ['<h1>Nothing here</h1>', false],
  ['', false],
])('the server itself wrote %j: %j', (text, own) => {
  expect(isServerPage(text)).toBe(own);
});

test.each([
  ['text/javascript', 'application/javascript', true],
  ['application/x-javascript', 'text/javascript', true],
  ['text/xml', 'application/xml', true],
  ['image/x-icon', 'image/vnd.microsoft.icon', true],
  ['image/bmp', 'image/x-ms-bmp', true],
  ['font/woff', 'application/x-font-woff', true],
  ['font/woff', 'application/font-woff', true],
  ['font/woff2', 'application/font-woff2', true],
  ['font/ttf', 'application/x-font-ttf', true],
  ['font/ttf', 'application/x-font-truetype', true],
  ['application/vnd.ms-fontobject', 'application/x-font-eot', true],
  ['audio/wav', 'audio/x-wav', true],
  ['text/rtf', 'application/rtf', true],
  ['', 'application/octet-stream', true],
  ['', '', true],
  ['image/png', 'image/png', true],
  ['font/woff', 'font/woff2', false],
  ['text/xml', 'text/javascript', false],
  ['', 'text/html', false],
])('%j and %j are one type: %j', (a, b, same) => {
  expect([sameType(a, b), sameType(b, a)]).toEqual([same, same]);
});
