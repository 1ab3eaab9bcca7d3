/** Requests whose end two readers may see in different places; `HIDDEN` is what only one of them takes for a request. */
const HIDDEN = 'GET /smuggled HTTP/1.1\r\nHost: keep.org\r\n\r\n';
const BODY = `0\r\n\r\n${HIDDEN}`;
/** In the form chunks have. */
const SIZE = `${HIDDEN.length.toString(16)}\r\n`;
const start = (method = 'POST'): string => `${method} /front HTTP/1.1\r\nHost: keep.org\r\n`;
const length = (value: string | number): string => `Content-Length: ${value}\r\n`;
const chunked = (header: string): string => `${start()}${header}${length(BODY.length)}\r\n${BODY}`;
const withLength = (header: string): string =>
  `${start()}${header}Transfer-Encoding: chunked\r\n\r\n${SIZE}${HIDDEN}\r\n0\r\n\r\n`;

export const SMUGGLED: Readonly<Record<string, string>> = {
  'CL.TE': chunked('Transfer-Encoding: chunked\r\n'),
  'TE.CL': withLength(length(4)),
  'CL.0': `${start()}${length(HIDDEN.length)}\r\n${HIDDEN}`,
  '0.CL on GET': `${start('GET')}${length(HIDDEN.length)}\r\n${HIDDEN}`,
  'two lengths, different': `${start()}${length(0)}${length(HIDDEN.length)}\r\n${HIDDEN}`,
  'two lengths, same': `${start()}${length(HIDDEN.length)}${length(HIDDEN.length)}\r\n${HIDDEN}`,
  'a list of lengths': `${start()}${length(`0, ${HIDDEN.length}`)}\r\n${HIDDEN}`,
  'length with a sign': `${start()}${length(`+${HIDDEN.length}`)}\r\n${HIDDEN}`,
  'negative length': `${start()}${length(-1)}\r\n${HIDDEN}`,
  'length in hex': `${start()}${length('0x10')}\r\n${HIDDEN}`,
  'length with an underscore': `${start()}${length('1_0')}\r\n${HIDDEN}`,
  'length too large': `${start()}${length('99999999999999999999')}\r\n${HIDDEN}`,
  'empty length': `${start()}${length('')}\r\n${HIDDEN}`,
  'TE with a space before the colon': chunked('Transfer-Encoding : chunked\r\n'),
  'TE with a tab': chunked('Transfer-Encoding:\tchunked\r\n'),
  'TE with a vertical tab': chunked('Transfer-Encoding: \x0bchunked\r\n'),
  'TE on a folded line': chunked('Transfer-Encoding:\r\n chunked\r\n'),
  'a folded header before TE': chunked('X-A: b\r\n c: d\r\nTransfer-Encoding: chunked\r\n'),
  'TE behind a bare line feed': chunked('X-A: b\nTransfer-Encoding: chunked\r\n'),
  'TE behind a bare carriage return': chunked('X-A: b\rTransfer-Encoding: chunked\r\n'),
  'TE identity': chunked('Transfer-Encoding: identity\r\n'),
  'TE identity, chunked': chunked('Transfer-Encoding: identity, chunked\r\n'),
  'TE chunked, identity': chunked('Transfer-Encoding: chunked, identity\r\n'),
  'TE xchunked': chunked('Transfer-Encoding: xchunked\r\n'),
  'TE in quotes': chunked('Transfer-Encoding: "chunked"\r\n'),
  'TE upper case': chunked('TRANSFER-ENCODING: CHUNKED\r\n'),
  'TE twice': chunked('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n'),
  'TE with an underscore': chunked('Transfer_Encoding: chunked\r\n'),
  'TE with a null': chunked('Transfer-Encoding: chunked\0\r\n'),
  'TE in HTTP/1.0': chunked('Transfer-Encoding: chunked\r\n').replace('HTTP/1.1', 'HTTP/1.0'),
  'TE named by Connection': chunked('Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n'),
  'length named by Connection': `${start()}Connection: Content-Length\r\n${length(HIDDEN.length)}\r\n${HIDDEN}`,
  'chunk with an extension': withLength('').replace(SIZE, '2a;a=b\r\n'),
  'chunk extension with a line feed': withLength('').replace(SIZE, '2a;a\nb\r\n'),
  'chunk size with a sign': withLength('').replace(SIZE, '+2a\r\n'),
  'chunk size with 0x': withLength('').replace(SIZE, '0x2a\r\n'),
  'chunk size that overflows': withLength('').replace(SIZE, '1000000000000002a\r\n'),
  'chunk ended by a bare line feed': withLength('').replace(SIZE, '2a\n'),
  'chunk without its end': withLength('').replace('\r\n0\r\n\r\n', '0\r\n\r\n'),
  'a trailer that is a header': `${start()}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\nHost: good.org\r\n\r\n`,
  'a space before the first header': `${start().replace('Host', ' X: y\r\nHost')}${length(0)}\r\n`,
  'a header without a colon': `${start()}Transfer-Encoding chunked\r\n${length(0)}\r\n`,
  'two hosts': `${start()}Host: good.org\r\n${length(0)}\r\n`,
  'host in the target': `GET http://good.org/smuggled HTTP/1.1\r\nHost: keep.org\r\n\r\n`,
  'an upgrade to h2c': `${start('GET')}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n${HIDDEN}`,
  'an upgrade to websocket with a wrong version': `${start('GET')}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 1\r\n\r\n${HIDDEN}`,
  'an expectation': `${start()}Expect: 100-continue\r\n${length(HIDDEN.length)}\r\n${HIDDEN}`,
  'HTTP/0.9': 'GET /smuggled\r\n',
  'HTTP/2 in the clear': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'a method with a line end': 'GET /a HTTP/1.1\r\nX: GET /smuggled HTTP/1.1\r\nHost: keep.org\r\n\r\n',
};
